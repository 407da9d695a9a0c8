"""Log files: where they are found, and how far each was read."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log as it is now, and how far it was read before."""

    path: Path
    inode: int
    size: int
    mtime_ns: int
    offset: int = 0
    tail: bytes = b""  # the last bytes before the offset
    state: dict[str, Any] = field(default_factory=dict)  # the parser's state at the offset

    @property
    def unread_bytes(self) -> int:
        """Bytes after the offset."""
        return self.size - self.offset


def stat_logs(paths: Iterable[Path]) -> list[LogFile]:
    """Return the logs that exist and are regular files, unread."""
    found = []
    for path in paths:
        try:
            status = path.stat()
            wal_size, wal_mtime_ns = _stat_wal(path)
        except OSError:
            continue  # deleted since it was found
        if not S_ISREG(status.st_mode):
            continue
        size, mtime_ns = status.st_size + wal_size, max(status.st_mtime_ns, wal_mtime_ns)
        found.append(LogFile(path, status.st_ino, size, mtime_ns))
    return found


def _stat_wal(path: Path) -> tuple[int, int]:
    """Size and time of a SQLite database's write-ahead log, which holds its newest rows."""
    if not os.fspath(path).endswith(".db"):
        return 0, 0
    try:
        status = path.with_name(f"{path.name}-wal").stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def folders_from(environment: Mapping[str, str], variable: str, *defaults: Path) -> list[Path]:
    """Return the comma-separated folders of a variable, or the defaults."""
    named = environment.get(variable, "")
    folders = [Path(part.strip()).expanduser() for part in named.split(",") if part.strip()]
    return folders or list(defaults)


def files_under(folders: Sequence[Path], is_log: Callable[[str], bool]) -> list[Path]:
    """Find logs by file name, each once, in a fixed order; symbolic links to folders are not followed."""
    found: dict[str, None] = {}  # as text, which is compared faster than thousands of Path objects
    for folder in folders:
        for parent, inner, names in os.walk(folder):
            inner.sort()
            found |= {f"{parent}{os.sep}{name}": None for name in sorted(names) if is_log(name)}
    return [Path(path) for path in found]
