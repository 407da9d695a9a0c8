"""Every command has complete help with an example, and every failure is one sentence."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tally.__main__ import COLLECT_COMMANDS, MACHINE_COMMANDS
from tally.cli import collect, machine
from tally.cli.command import FAILED, new_app
from tally.cli.commands import ADDERS
from tally.cli.main import app
from tally.local.home import open_home
from tally.local.lock import lock_home
from tally.local.stack import Stack
from tests.embedded import free_port_block
from tests.every_case import every_case
from tests.program_environment import program_environment
from tests.tally.cli.in_process import run_tally

HEAVY = {"cryptography", "httpx", "pandas", "psutil", "pydantic", "supabase"}
UNREACHABLE = {
    "SUPABASE_URL": "http://127.0.0.1:1",
    "SUPABASE_PUBLISHABLE_KEY": "none",
    "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/postgres",
}
USING_A_HOME = [
    "status",
    "doctor",
    "down",
    "up",
    "collect",
    "collect --dry-run",
    "collect --dry-run --json",
]
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run_tally(*arguments, environment=program_environment(**environment))


def start(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tally", *arguments],
        env=program_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_commands_of_the_one_machine_stack_exist() -> None:
    assert {"up", "down", "status", "doctor", "nightly"} <= set(COMMANDS)


@pytest.mark.parametrize(("module", "names"), [(collect, COLLECT_COMMANDS), (machine, MACHINE_COMMANDS)])
def test_lazily_imported_commands_are_those_of_the_full_app(module: ModuleType, names: set[str]) -> None:
    alone = new_app()
    module.add_commands(alone)
    groups = {str(group.name) for group in alone.registered_groups}
    commands = {command.callback.__name__ for command in alone.registered_commands if command.callback}
    assert commands | groups == names
    assert names <= set(COMMANDS)


def test_every_other_command_is_imported_by_itself() -> None:
    assert COLLECT_COMMANDS | MACHINE_COMMANDS | set(ADDERS) | {"today", "statusline"} == set(COMMANDS)
    for name, add in ADDERS.items():
        alone = new_app()
        add(alone)
        assert set(get_command(alone).commands) == {name}  # type: ignore[attr-defined]


@every_case([(command,) for command in COMMANDS])
def test_every_command_has_help_with_an_example(command: str) -> None:
    help_text = str(get_command(app).commands[command].help)  # type: ignore[attr-defined]
    first, _, rest = help_text.partition("\n")
    assert first.endswith(".")
    assert "Example: " in rest
    assert f"tally {command}" in rest


def test_first_line_of_every_help_text_is_listed_in_full() -> None:
    listed = run("--help").stdout.partition("Commands:")[2].splitlines()
    first_lines = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in listed if line}
    assert set(first_lines) == set(COMMANDS)
    assert [name for name, line in first_lines.items() if line.endswith("...")] == []


@pytest.mark.parametrize("arguments", [["--version"], ["status", "--version"]])
def test_version_is_an_option_of_tally_itself(arguments: list[str]) -> None:
    ended = run(*arguments)
    is_known = arguments == ["--version"]
    assert ended.returncode == (0 if is_known else 2)
    assert (ended.stdout == f"tally {version('tally')}\n") == is_known


@pytest.mark.parametrize(("command", "argument"), [("import", "FILE…"), ("backtest", "FOLDER")])
def test_arguments_are_named_as_in_manuals(command: str, argument: str) -> None:
    text = run(command, "--help").stdout
    assert text.startswith(f"Usage: python -m tally {command} [OPTIONS] {argument}\n")
    arguments = text.partition("Arguments:")[2].partition("Options:")[0]
    assert not set("{}<>") & set(arguments)
    assert f"[OPTIONS] {argument}\n" in run(command, "--nosuch").stderr


def test_help_shows_the_example() -> None:
    assert "Example: tally nightly --date 2026-11-01 --dry-run" in run("nightly", "--help").stdout


def test_missing_settings_are_named(tmp_path: Path) -> None:
    ended = run("status", "--env", TALLY_HOME=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("Missing: SUPABASE_URL")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["0", "70000", "often"])
def test_unusable_port_is_refused(tmp_path: Path, port: str) -> None:
    ended = run("up", TALLY_HOME=str(tmp_path), TALLY_PORT=port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "TALLY_PORT is not usable. TALLY_PORT must be a number between 1 and 65532"
    )


@pytest.mark.parametrize("command", USING_A_HOME)
def test_unusable_folder_is_one_sentence(tmp_path: Path, command: str) -> None:
    ended = run(*command.split(), TALLY_HOME="/dev/null/x", HOME=str(tmp_path))
    assert ended.returncode == FAILED
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", USING_A_HOME)
def test_unknown_users_folder_is_one_sentence(tmp_path: Path, command: str) -> None:
    ended = run(*command.split(), TALLY_HOME="~nosuchuser/x", HOME=str(tmp_path))
    assert ended.returncode == FAILED
    assert "~nosuchuser/x is unknown on this machine." in ended.stdout + ended.stderr


def test_database_address_that_is_not_text_is_refused(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings() | {"TALLY_HOME": str(tmp_path), "DATABASE_URL": "postgresql://\udcff"}
    ended = run("demo", "--email", "ada@example.com", **settings)
    assert (ended.returncode, "DATABASE_URL is not a Postgres address" in ended.stderr) == (FAILED, True)


def test_doctor_names_what_is_missing_and_how_to_fix_it(tmp_path: Path) -> None:
    ended = run("doctor", TALLY_HOME=str(tmp_path), PATH="/nowhere", POSTGREST_BIN="/nowhere/postgrest")
    assert ended.returncode == 1
    assert "PROBLEM  postgrest: /nowhere/postgrest" in ended.stdout
    assert "set POSTGREST_BIN" in ended.stdout


def test_nightly_passes_its_arguments_and_exit_code_on(tmp_path: Path) -> None:
    ended = start("nightly", "--dry-run", TALLY_HOME=str(tmp_path), **UNREACHABLE)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TALLY_HOME", str(tmp_path))
    monkeypatch.setenv("TALLY_PORT", str(free_port_block()))
    return tmp_path


@pytest.mark.usefixtures("empty_home")
def test_down_without_a_running_tally_succeeds() -> None:
    ended = CliRunner().invoke(app, ["down"])
    assert (ended.exit_code, ended.stdout) == (0, "Tally is not running.\n")


@pytest.mark.usefixtures("empty_home")
def test_status_of_a_stopped_tally_is_unhealthy() -> None:
    ended = CliRunner().invoke(app, ["status", "--json"])
    shown = json.loads(ended.stdout)
    assert (ended.exit_code, shown["running"], shown["healthy"]) == (1, False, False)
    stopped = {"address": "not started", "healthy": False, "version": None, "note": None}
    assert shown["parts"]["database"] == stopped


@pytest.fixture
def running_home(tmp_path: Path) -> Iterator[Path]:
    """A TALLY_HOME that is locked, as by `tally up`."""
    lock = lock_home(open_home(tmp_path), "up", free_port_block())
    yield tmp_path
    lock.release()


def imported(ended: "subprocess.CompletedProcess[str]") -> set[str]:
    """Packages that a command with PYTHONPROFILEIMPORTTIME imported."""
    modules = (line.rpartition("|")[2].strip() for line in ended.stderr.splitlines())
    return {module.partition(".")[0] for module in modules}


def test_status_imports_only_the_libraries_it_needs(running_home: Path) -> None:
    environment = UNREACHABLE | {"TALLY_HOME": str(running_home), "PYTHONPROFILEIMPORTTIME": "1"}
    ended = start("status", "--json", **environment)
    assert json.loads(ended.stdout)["running"]
    assert {"typer", "psycopg"} <= imported(ended)
    assert imported(ended).isdisjoint(HEAVY)


def test_version_imports_no_command() -> None:
    found = imported(start("--version", PYTHONPROFILEIMPORTTIME="1"))
    assert "typer" in found
    assert found.isdisjoint(HEAVY | {"psycopg"})


def test_a_command_imports_nothing_of_the_others() -> None:
    found = imported(start("owner", "--help", PYTHONPROFILEIMPORTTIME="1"))
    assert "typer" in found
    assert found.isdisjoint({"genai_prices", "httpx", "cryptography"}), "those of imports and of keys"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that were started instead of running; each ends with exit code 3."""
    commands: list[list[str]] = []

    def start(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr("tally.cli.machine.subprocess.run", start)
    return commands


def test_nightly_starts_the_job_with_its_options(started: list[list[str]]) -> None:
    arguments = ["--date", "2026-11-01", "--dry-run", "--scheduler", "tcp://127.0.0.1:8786"]
    assert CliRunner().invoke(app, ["nightly", *arguments]).exit_code == 3
    assert started[0][1:] == ["-m", "forecasting", *arguments]


def test_backtest_starts_the_evaluation_with_absolute_paths(
    started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["backtest", "series", "--out", "out.csv", "--score"]).exit_code == 3
    paths = [str(tmp_path / "series"), "--out", str(tmp_path / "out.csv")]
    assert started[0][1:] == ["-m", "forecasting.evaluation.command", *paths, "--score"]
