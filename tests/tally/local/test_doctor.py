"""Checks of `tally doctor`: each finding names the problem and its fix."""

import os
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from tally.core.errors import TallyError
from tally.local import doctor
from tally.local.doctor import Finding, as_text, examine
from tally.local.home import Home
from tally.local.lock import lock_home
from tests.embedded import free_port_block, temporary_home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path))
    monkeypatch.setenv("TALLY_PORT", str(free_port_block()))
    return tmp_path


def find(name: str) -> Finding:
    return next(finding for finding in examine() if finding.name == name)


def fix_of(name: str) -> str:
    fix = find(name).fix
    assert fix is not None
    return fix


def test_old_python_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    assert "make setup" in fix_of("python")


def test_outdated_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "modules_are_current", lambda: False)
    assert fix_of("packages of the stack") == "Run `make setup`."


def test_chosen_postgrest_that_cannot_be_run_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGREST_BIN", str(home / "postgrest"))
    assert "set POSTGREST_BIN" in fix_of("postgrest")


def test_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port_block()
    monkeypatch.setenv("TALLY_PORT", str(port))
    assert find("ports") == Finding("ports", f"{port} to {port + 3} are free")
    with socket.create_server(("127.0.0.1", port + 2)):
        assert find("ports").found == f"{port + 2} in use"
        assert f"TALLY_PORT={port + 100}" in fix_of("ports")


def test_ports_are_those_of_the_running_tally(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PORT", "8501")
    lock = lock_home(Home(home), "up", 9601)
    try:
        assert find("ports") == Finding("ports", "9601 to 9604, in use by the running Tally")
    finally:
        lock.release()


def test_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000))
    assert find("disk").found == "0.0 GB free"
    assert "Free at least 1 GB" in fix_of("disk")


def test_programs_that_only_tests_need_are_not_listed() -> None:
    assert "chromium" not in {finding.name for finding in examine()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
def test_folder_that_postgres_cannot_traverse_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_home() as home:
        monkeypatch.setenv("TALLY_HOME", str(home))
        assert find("folder").fix is None
        home.parent.chmod(0o700)
        assert find("folder").found == f"Postgres cannot traverse {home.parent}"
        assert f"chmod o+x {home.parent}" in fix_of("folder")


def test_failing_check_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_node() -> None:
        raise TallyError("Node.js is missing.")

    def no_disk(_: Path) -> None:
        raise OSError(5, "Input/output error", "/data")

    monkeypatch.setattr(doctor, "find_node", no_node)
    monkeypatch.setattr(shutil, "disk_usage", no_disk)
    assert find("node") == Finding("node", "not usable", "Node.js is missing.")
    assert find("disk") == Finding("disk", "could not be checked", "Input/output error: /data")
    assert find("python").fix is None


def test_text_marks_findings_and_indents_their_fixes() -> None:
    findings = [
        Finding("python", "3.11.9"),
        Finding("node", "not found", "Run `make setup`."),
        Finding("backups", "not possible", "Install it.", optional=True),
    ]
    assert as_text(findings).splitlines() == [
        "ok       python: 3.11.9",
        "PROBLEM  node: not found",
        "         Run `make setup`.",
        "optional backups: not possible",
        "         Install it.",
    ]


def test_latest_nightly_backup_is_shown(home: Path) -> None:
    assert find("backups") == Finding("backups", "no nightly one yet")
    (home / "backups").mkdir()
    (home / "backups" / "tally-2026-11-28-031502-nightly.backup").touch()
    (home / "backups" / "tally-2026-11-29-120000.backup").touch()
    assert find("backups") == Finding("backups", "latest nightly one: 2026-11-28 03:15")
