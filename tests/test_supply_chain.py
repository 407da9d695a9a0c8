"""What Tally is built from: licences that fit, and workflows that can do no more than they must."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from tests.every_case import every_case

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Licences under which a program may be used by Tally, in the spellings of packages. psycopg's LGPL binds only
# who changes psycopg.
ALLOWED = {
    *(
        "MIT",
        "MIT License",
        "MIT-0",
        "MIT-CMU",
        "ISC",
        "ISC License (ISCL)",
        "0BSD",
        "Zlib",
        "CC0-1.0",
        "Unlicense",
    ),
    *("BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License"),
    *("Apache-2.0", "Apache License 2.0", "Apache Software License"),
    *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0", "Python Software Foundation License"),
    "LGPL-3.0-only",
}
WITHOUT_METADATA = {"currencyconverter"}  # Apache-2.0 by the licence file in its sources


def locked(name: str) -> list[str]:
    found = re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(), re.MULTILINE)
    assert found
    return found


def licence_of(package: str) -> str | None:
    """The licence that a package states, from its most exact field; None when it is not installed."""
    try:
        fields = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    classifiers = fields.get_all("Classifier", [])
    stated = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License")]
    for field in ("License-Expression", "License"):
        if field in fields and (field == "License-Expression" or not stated):
            return fields[field]
    return "; ".join(stated)


def is_allowed(licence: str) -> bool:
    return {part.strip() for part in re.split(" AND | OR |;", licence)} <= ALLOWED


def test_python_packages_have_allowed_licences() -> None:
    names = [name for name in locked("requirements.lock") if name not in WITHOUT_METADATA]
    licences = {name: licence for name in names if (licence := licence_of(name)) is not None}
    assert len(licences) > len(names) / 2
    assert {name: licence for name, licence in licences.items() if not is_allowed(licence)} == {}


def test_node_packages_have_allowed_licences() -> None:
    packages = json.loads((ROOT / "supabase/local/package-lock.json").read_text())["packages"]
    refused = {
        name: package.get("license")
        for name, package in packages.items()
        if name and not is_allowed(package.get("license", "").strip("()"))
    }
    assert len(packages) > 50
    assert refused == {}


@every_case([(licence,) for licence in ["", "GPL-3.0-only", "MIT AND AGPL-3.0", "Proprietary", "MITX"]])
def test_other_licences_are_refused(licence: str) -> None:
    assert not is_allowed(licence)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_reads_only_and_runs_exact_versions(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.search(r"^permissions:\n  contents: read\n", text, re.MULTILINE)
    assert "write" not in text.replace("-writes", "")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
