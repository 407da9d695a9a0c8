"""Logs in TALLY_HOME: each has a bound, and one older part."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from tally.core.errors import TallyError
from tally.local.home import Home

LARGEST_LOG_BYTES = 20_000_000
CHECK_SECONDS = 60.0


def open_log(home: Home, name: str) -> TextIO:
    """Open a log file for appending; raises TallyError if that is impossible."""
    path = home.logs / f"{name}.log"
    try:
        rotate(path)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
    except OSError as error:
        raise TallyError(
            f"The log {path} cannot be written ({error.strerror}). Check its permissions and the free disk "
            "space, or move it away."
        ) from None


def rotate(path: Path) -> None:
    """Move the text of a large log to `.old.log`, replacing the previous one.

    The file stays, for programs that append to it have it open.
    """
    if not path.is_file() or path.stat().st_size <= LARGEST_LOG_BYTES:
        return
    with suppress(OSError):  # without room for a copy, the text is lost: a full disk stops more than a log
        shutil.copy(path, path.with_suffix(".old.log"))
    os.truncate(path, 0)


class LogRotation:
    """Rotates all logs while Tally runs."""

    def __init__(self, home: Home) -> None:
        self._folder = home.logs
        self._check_at = 0.0

    def poll(self) -> None:
        """Look once a minute. Called several times a second."""
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_SECONDS
        for path in self._folder.glob("*.log"):
            if not path.name.endswith(".old.log"):
                with suppress(OSError):
                    rotate(path)
