"""The server that `postmaster.pid` names: this folder's own or, in a copied folder, the original's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tally.core.errors import TallyError
from tally.local import processes
from tally.local.home import Home

COPIED = (
    "{data} is a copy of {original}, made while its database ran, so that some of it may be older than the "
    "rest. Make a copy with `tally backup`, and bring it here with `tally restore`."
)
UNSAFE = (
    "{data} was copied from {original} while its database ran. Some of it may be damaged: run "
    "`tally doctor --deep`."
)


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The latest start, as the file in a data folder records it."""

    pid_file: Path
    pid: int
    data: Path
    port: int

    @property
    def is_of_the_original(self) -> bool:
        """True if the folder with the file is a copy of the one that the server uses."""
        return self.data != self.pid_file.parent and self.data.exists()

    @property
    def is_running(self) -> bool:
        """True if the process exists and is a Postgres with that data."""
        if self.pid <= 0:  # of a program that created the database, and is no server
            return False
        command = processes.command_line(self.pid)
        return "postgres" in command and str(self.data) in command


def find_postmaster(home: Home) -> Postmaster | None:
    """The recorded server, or None if the latest one ended in order."""
    pid_file = next(iter(home.files_of_data("postmaster.pid")), None)
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file else []
        return Postmaster(pid_file, int(lines[0]), Path(lines[1]), int(lines[3])) if pid_file else None
    except (OSError, ValueError, IndexError):
        return None


def prepare_copy(home: Home, notify: Callable[[str], None]) -> None:
    """Refuse the copy of a running database; remove the record from another copy, so that it can start."""
    found = find_postmaster(home)
    if found is None or not found.is_of_the_original:
        return
    names = {"data": found.pid_file.parent, "original": found.data}
    if found.is_running:
        raise TallyError(COPIED.format(**names))
    notify(UNSAFE.format(**names))
    found.pid_file.unlink(missing_ok=True)
