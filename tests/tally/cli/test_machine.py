"""Every command explains itself with an example, and every failure is a sentence."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from tally.__main__ import COLLECTING, OF_THE_MACHINE
from tally.cli import collect, machine
from tally.cli.command import new_app
from tally.cli.main import app

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tally", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_are_the_commands_of_the_one_machine_stack() -> None:
    assert {"up", "down", "status", "doctor", "nightly"} <= set(COMMANDS)


@pytest.mark.parametrize(("module", "names"), [(collect, COLLECTING), (machine, OF_THE_MACHINE)])
def test_commands_that_start_alone_are_those_of_all(module: ModuleType, names: set[str]) -> None:
    alone = new_app()
    module.add_commands(alone)
    assert {command.callback.__name__ for command in alone.registered_commands if command.callback} == names
    assert names <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    help_text = str(get_command(app).commands[command].help)  # type: ignore[attr-defined]
    first, _, rest = help_text.partition("\n")
    assert first.endswith(".")
    assert "Example: " in rest
    assert f"tally {command}" in rest


def test_help_shows_the_example() -> None:
    assert "Example: tally nightly --date 2026-11-01 --dry-run" in run("nightly", "--help").stdout


def test_missing_settings_are_a_sentence(tmp_path: Path) -> None:
    ended = run("status", "--env", TALLY_HOME=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("Missing: SUPABASE_URL")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["0", "70000", "often"])
def test_unusable_port_is_a_sentence(tmp_path: Path, port: str) -> None:
    ended = run("up", TALLY_HOME=str(tmp_path), TALLY_PORT=port)
    assert ended.returncode == 1
    assert (
        ended.stderr.strip() == "TALLY_PORT is not usable. TALLY_PORT must be a number between 1 and 65532."
    )


def test_doctor_names_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    ended = run("doctor", TALLY_HOME=str(tmp_path), PATH="/nowhere", POSTGREST_BIN="/nowhere/postgrest")
    assert ended.returncode == 1
    assert "MISSING  postgrest: /nowhere/postgrest" in ended.stdout
    assert "set POSTGREST_BIN" in ended.stdout


def test_nightly_passes_its_arguments_and_exit_code_on(tmp_path: Path) -> None:
    unreachable = {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "none",
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/postgres",
    }
    ended = run("nightly", "--dry-run", TALLY_HOME=str(tmp_path), **unreachable)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
