"""Folders for throwaway databases: in memory where there is enough, for each has a thousand small files."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own there
ENOUGH_BYTES = 4 * 2**30


def make_folder(prefix: str, on_disk: bool = False) -> Path:
    """A new folder that others may pass through; whoever makes it removes it."""
    place = None if on_disk or not _has_room() else MEMORY
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    folder.chmod(0o755)
    return folder


def _has_room() -> bool:
    """Programs are started from there, too."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
