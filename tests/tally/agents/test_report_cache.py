"""The report cache: a stored report is printed again only while all of its inputs are unchanged."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from tally.agents import report_cache
from tally.agents.payment import PAYMENTS_FILE
from tally.agents.registry import find_logs
from tally.agents.report_cache import PACKAGE, fingerprint, print_cached_report, store_report
from tests.tally.agents.homes import claude_row, write, write_claude

ARGUMENTS = ("--dry-run", "--json")
ROOMS = ("agents", "catalog", "core", "pricing")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with one log, beside copies of Tally's code and the price library for tests to change."""
    home = tmp_path / "home"
    write_claude(home, claude_row())
    for name, value in {"HOME": home, "TALLY_HOME": tmp_path / "state", "TZ": "UTC"}.items():
        monkeypatch.setenv(name, str(value))
    skip_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "tally", ignore=skip_bytecode)
    spec = find_spec("genai_prices")
    assert spec is not None
    assert spec.origin is not None
    prices = tmp_path / "site-packages" / "genai_prices"
    shutil.copytree(Path(spec.origin).parent, prices, ignore=skip_bytecode)
    (tmp_path / "zoneinfo").mkdir()
    monkeypatch.setattr(report_cache, "PACKAGE", tmp_path / "tally")
    monkeypatch.setattr(report_cache, "ZONE_FOLDERS", (tmp_path / "zoneinfo",))
    monkeypatch.setattr(
        report_cache, "find_spec", lambda _: SimpleNamespace(origin=str(prices / "__init__.py"))
    )
    return home


def key(arguments: Sequence[str] = ARGUMENTS) -> str:
    return fingerprint(arguments, find_logs(Path.home(), os.environ))


def touch(path: Path) -> None:
    """Change a file's or folder's time of modification."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def modules(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")))


@pytest.mark.parametrize("room", ROOMS)
def test_changing_any_module_changes_the_fingerprint(tmp_path: Path, room: str) -> None:
    seen = {key()}
    paths = list(modules(tmp_path / "tally" / room))
    for path in paths:
        touch(path)
        seen.add(key())
    assert len(paths) > 2
    assert len(seen) == len(paths) + 1


@pytest.mark.parametrize(
    "path",
    ["site-packages/genai_prices/data.py", "zoneinfo", "home/.claude/projects/garden/s1.jsonl"],
)
def test_changing_prices_zones_or_logs_changes_the_fingerprint(tmp_path: Path, path: str) -> None:
    before = key()
    touch(tmp_path / path)
    assert key() != before


def test_upgrading_a_library_changes_the_fingerprint(tmp_path: Path) -> None:
    before = key()
    (tmp_path / "site-packages" / "pydantic_core-99.0.dist-info").mkdir()
    assert key() != before


def test_new_module_changes_the_fingerprint(tmp_path: Path) -> None:
    before = key()
    write(tmp_path / "tally" / "agents" / "new_agent.py", b"")
    assert key() != before


def test_arguments_and_settings_change_the_fingerprint(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [key(), key([*ARGUMENTS, "--since", "2026-09-02"])]
    write(home / ".claude" / ".credentials.json", b'{"claudeAiOauth": {"subscriptionType": "max"}}')
    keys.append(key())
    write(tmp_path / "state" / "collect" / PAYMENTS_FILE, b'{"codex": "plan"}')
    keys.append(key())
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    keys.append(key())
    assert len(set(keys)) == len(keys)


def test_stored_report_is_printed_while_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    store_report(key(), "the report\n")

    assert print_cached_report(ARGUMENTS)
    assert capsys.readouterr().out == "the report\n"


def test_report_from_before_an_upgrade_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_report(key(), "the report\n")
    touch(tmp_path / "tally" / "pricing" / "corrections.py")

    assert not print_cached_report(ARGUMENTS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("damaged", [b"", b"[]", b"\xff", b"{}", json.dumps({"key": 1}).encode()])
def test_damaged_cache_is_ignored(tmp_path: Path, damaged: bytes) -> None:
    write(tmp_path / "state" / "collect" / report_cache.FILE, damaged)

    assert not print_cached_report(ARGUMENTS)


def test_nothing_is_printed_without_a_stored_report() -> None:
    assert not print_cached_report(ARGUMENTS)
