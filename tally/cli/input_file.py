"""Content of a file to import, which may be a pipe."""

import os
import select
from pathlib import Path
from stat import S_ISFIFO

from tally.core.errors import TallyError

PIPE_SECONDS = 60  # the longest wait for the first byte


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read the first bytes of a file; raises OSError, and TallyError for a pipe that stays silent."""
    without_waiting = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # else a pipe is awaited for ever
    with os.fdopen(os.open(path, without_waiting), "rb") as file:
        if S_ISFIFO(os.fstat(file.fileno()).st_mode):
            if not select.select([file], [], [], PIPE_SECONDS)[0]:
                raise TallyError(f"{path} is a pipe that nothing was written to for {PIPE_SECONDS} seconds.")
            os.set_blocking(file.fileno(), True)
        return file.read(max_bytes)
