"""Files to import that are pipes."""

import os
from pathlib import Path
from threading import Thread

import pytest

from tally.cli.input_file import read_file
from tally.core.errors import TallyError


def test_pipe_that_nothing_is_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.cli.input_file.PIPE_SECONDS", 0.05)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(TallyError, match="a pipe that nothing was written to"):
        read_file(tmp_path / "pipe.csv", 100)


def test_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=[b"x" * 200_000])
    writer.start()
    assert read_file(pipe, 300_000) == b"x" * 200_000
    writer.join()


def test_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(b"abc")
    assert (read_file(tmp_path / "file.csv", 2), read_file(tmp_path / "file.csv", 9)) == (b"ab", b"abc")
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path, 9)
