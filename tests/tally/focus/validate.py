"""Run the official validator on files: `python validate.py FILE…`, in a Python 3.12 with `focus-validator`.

It needs nothing else of this project. The validator ends with 0 also where rules fail, so its output is read;
rules that depend on what a provider supports are switched on, as Tally's files have these columns.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

VERSION = "1.2"
CRITERIA = (
    "USAGE_MEASUREMENT_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "ACCOUNT_NAMING_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
)
# One arm of an alternative, reported though the other arm holds: InvoiceId is null of all rows, and
# InvoiceId-C-000-O, which it is a part of, passes.
EXEMPTED = frozenset({"InvoiceId-C-005-C"})
RESULT = re.compile(r"^(?:✅|❌|⚠️|⏭️)?\s*([A-Za-z]+-[A-Z]-[0-9]{3}-[A-Z]): (PASS|FAIL)", re.MULTILINE)


def read_results(output: str) -> dict[str, bool]:
    """Rules by name, with whether they passed."""
    return {name: result == "PASS" for name, result in RESULT.findall(output)}


def find_failures(results: dict[str, bool]) -> list[str]:
    """Failed rules that are not exempted; a run without results is a failure, too."""
    if not any(results.values()):
        return ["the validator reported no rule"]
    return sorted(name for name, passed in results.items() if not passed and name not in EXEMPTED)


def validate(file: Path, criteria: tuple[str, ...]) -> dict[str, bool]:
    """Run the validator, offline; from its own folder, as it reads a list of currencies from there."""
    found = importlib.util.find_spec("focus_validator")
    if found is None or found.origin is None:
        sys.exit("Install focus-validator in this Python first.")
    command = [
        *(str(Path(sys.executable).with_name("focus-validator")), "--data-file", str(file.resolve())),
        *("--validate-version", VERSION, "--block-download"),
        *(("--applicability-criteria", ",".join(criteria)) if criteria else ()),
    ]
    ended = subprocess.run(
        command, cwd=Path(found.origin).parents[1], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        print(ended.stdout[-4000:], ended.stderr[-4000:], sep="\n")
    return read_results(ended.stdout)


def main(files: list[str]) -> int:
    """Validate each file with and without the rules that are switched on."""
    if not files:
        sys.exit("Name the files to validate.")
    failed = False
    for file in files:
        for criteria in ((), CRITERIA):
            results = validate(Path(file), criteria)
            failures = find_failures(results)
            passed = sum(results.values())
            exempted = sorted(name for name in EXEMPTED if results.get(name) is False)
            print(
                f"{file}, {len(criteria)} criteria: {passed} of {len(results)} rules pass, "
                f"exempted are {exempted}"
            )
            for name in failures:
                print(f"  fails: {name}")
            failed |= bool(failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
