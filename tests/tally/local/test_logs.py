"""Logs: large ones are rotated, also while programs append to them; those that cannot be opened are named."""

from pathlib import Path

import pytest

from tally.core.errors import TallyError
from tally.local.home import open_home
from tally.local.logs import LogRotation, open_log

LARGE = 30_000_000


def test_large_log_is_rotated_when_opened(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    with (home.logs / "part.log").open("w") as log:
        log.truncate(LARGE)
    with open_log(home, "part") as log:
        log.write("new")
    assert (home.logs / "part.log").read_text() == "new"
    assert (home.logs / "part.old.log").stat().st_size == LARGE


def test_large_log_is_rotated_while_a_program_appends_to_it(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    rotation = LogRotation(home)
    with open_log(home, "part") as log, open_log(home, "small") as small:
        log.truncate(LARGE)
        small.write("kept")
        small.flush()
        rotation.poll()
        log.write("after")
        log.flush()
        assert (home.logs / "part.log").read_text() == "after"
    assert (home.logs / "small.log").read_text() == "kept"
    assert sorted(path.name for path in home.logs.iterdir()) == ["part.log", "part.old.log", "small.log"]


def test_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    (home.logs / "stack.log").mkdir()
    with pytest.raises(TallyError, match=r"The log .*stack\.log cannot be written \(Is a directory\)"):
        open_log(home, "stack")
