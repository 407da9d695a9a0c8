"""Commands in sentences are named as the program was called, so that they can be run as they are."""

from pathlib import Path

import pytest

from tally.cli.called import find_name, name_commands
from tally.cli.output import echo, echo_error
from tally.core.errors import TallyError


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in the folder of an environment."""
    file = tmp_path / "my env" / "bin" / "tally"
    file.parent.mkdir(parents=True)
    file.touch(0o755)
    return file


def test_a_program_that_no_shell_finds_is_named_by_its_path(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert find_name(".venv/bin/tally") == ".venv/bin/tally"
    assert find_name(str(program)) == f"'{program}'"
    monkeypatch.setenv("PATH", f"/usr/bin:{program.parent}")
    assert find_name(str(program)) == "tally"
    assert find_name(".venv/bin/tally") == ".venv/bin/tally", "another one"
    assert find_name("/a/tally/__main__.py") == "tally"


def test_hints_and_errors_name_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr("sys.argv", [".venv/bin/tally", "login"])
    echo("Run `tally collect` next.")
    echo_error(TallyError("Sign in with `tally login` first. It is not Tally's fault."))
    shown = capsys.readouterr()
    assert shown.out == "Run `.venv/bin/tally collect` next.\n"
    assert shown.err == "Sign in with `.venv/bin/tally login` first. It is not Tally's fault.\n"
    assert name_commands("Your tally is 3.") == "Your tally is 3."
