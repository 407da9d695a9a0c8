"""Names from outside are text on every terminal, and output that leads nowhere breaks no command."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tally.cli.command import FAILED, new_app
from tally.cli.output import echo
from tally.core.errors import TallyError
from tests.program_environment import program_environment
from tests.tally.agents.homes import claude_row, write_claude

HOSTILE = "a\x1b[31mred\x1b]8;;x\x07\u202egnp\udcff.csv"
SHOWN = "a�[31mred�]8;;x��gnp�.csv"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine with logs of a model whose name is not in ASCII."""
    write_claude(tmp_path / "home", claude_row(model="modèle-日本"))
    folders = {"HOME": str(tmp_path / "home"), "TALLY_HOME": str(tmp_path / "state")}
    return program_environment(**folders)


@pytest.fixture
def program(environment: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `tally` with these arguments and redirections."""

    def run(line: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", f"{sys.executable} -W ignore -m tally {line}"],
            env=environment | settings,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )

    return run


def answer(run: Callable[[], None]) -> str:
    """What a command that does this prints."""
    app = new_app()
    app.command("fail")(run)
    return CliRunner().invoke(app, ["fail"]).output


def test_hostile_names_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"{HOSTILE}: read 1 row")
    assert capsys.readouterr().out == f"{SHOWN}: read 1 row\n"


def test_hostile_names_in_errors_are_text() -> None:
    def fail() -> None:
        raise TallyError(f"{HOSTILE} cannot be read.\nSecond line.")

    assert answer(fail) == f"{SHOWN} cannot be read.\nSecond line.\n"


def test_hostile_name_does_not_reach_a_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "tally", "collect", "--since", "2026-01-01", "--machine", HOSTILE]
    subprocess.run(
        command, env=environment, stdout=follower, stderr=follower, cwd=tmp_path, check=False, timeout=60
    )
    os.close(follower)
    shown = os.read(leader, 10_000)
    os.close(leader)
    assert shown
    assert b"\x1b[31m" not in shown


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "cp1252"])
def test_table_is_printed_in_any_encoding(
    program: Callable[..., "subprocess.CompletedProcess[str]"], encoding: str
) -> None:
    ended = program("collect --dry-run", PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "??" in ended.stdout


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "0<&-"])
@pytest.mark.parametrize(
    ("command", "times"),
    [("collect --dry-run", 1), ("collect --dry-run --json", 2), ("--version", 1)],  # then the stored report
)
def test_closed_streams_break_no_command(
    program: Callable[..., "subprocess.CompletedProcess[str]"], command: str, times: int, redirection: str
) -> None:
    for _ in range(times):
        ended = program(f"{command} {redirection}")
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("command", ["collect --dry-run", "collect --dry-run --json", "--version", "--help"])
def test_full_disk_is_one_sentence(
    program: Callable[..., "subprocess.CompletedProcess[str]"], command: str
) -> None:
    ended = program(f"{command} >/dev/full")
    assert ended.returncode == FAILED
    sentence = "Reading or writing failed: No space left on device. Check free disk space and permissions"
    assert ended.stderr.splitlines()[0].startswith(sentence)
    assert "Traceback" not in ended.stderr


def test_reader_that_leaves_early_gets_no_message(
    program: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    assert program("--help | head -c 0").stderr == ""


def test_unusable_file_is_named() -> None:
    def fail() -> None:
        Path("/nowhere/state").write_text("")

    assert answer(fail).startswith("/nowhere/state cannot be used: No such file or directory.")
