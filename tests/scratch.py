"""Folders for temporary databases: in memory if there is enough, because each has a thousand small files."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own there
ENOUGH_BYTES = 4 * 2**30


def make_folder(prefix: str, on_disk: bool = False) -> Path:
    """Make a folder that other users may pass through; the caller removes it."""
    place = None if on_disk or not _has_room() else MEMORY
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    folder.chmod(0o755)
    return folder


@contextmanager
def temporary_folder(on_disk: bool = False) -> Iterator[Path]:
    """Make such a folder, and remove it."""
    folder = make_folder("tally-test-", on_disk)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mounted_disk(folder: Path) -> Iterator[None]:
    """A file system of 40 MB in this folder; the test is skipped where it cannot be mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small disk.")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _has_room() -> bool:
    """Is there enough memory, and may programs run from it?"""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
