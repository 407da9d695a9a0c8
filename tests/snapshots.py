"""Data folders of migrated databases: made once per version of the schema, unpacked for every server.

A snapshot is a compressed archive; one that fails gzip's checksum is made again.
"""

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from filelock import FileLock

CHECKOUT = Path(__file__).resolve().parents[1]
CACHE = CHECKOUT / ".cache" / "databases"
STACK = CHECKOUT / "supabase" / "local"
DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error)
FASTEST = 1  # 100 MB become 10, in half a second


def fill(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    """Fill a new folder from the snapshot of this name; `make` fills it when there is no snapshot."""
    archive = CACHE / f"{name}-{fingerprint()}.tar.gz"
    if unpack(archive, folder):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{name}.lock"):
        if unpack(archive, folder):
            return
        make(folder)
        for outdated in CACHE.glob(f"{name}-*"):
            outdated.unlink()
        pack(folder, archive)


def unpack(archive: Path, folder: Path) -> bool:
    """Unpack an archive, owners included; False, and nothing in the folder, when it is missing or damaged."""
    if not archive.exists():
        return False
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream) as packed:
            packed.extractall(folder, numeric_owner=True, filter="fully_trusted")  # noqa: S202 - our own
            stream.read()  # up to the checksum at its end
    except DAMAGED:
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder; another process sees the archive complete or not at all."""
    unfinished = archive.with_name(f"{archive.name}.{os.getpid()}")
    with tarfile.open(unfinished, "w:gz", compresslevel=FASTEST) as packed:
        packed.add(folder, ".")
    unfinished.replace(archive)


@cache
def fingerprint() -> str:
    """A hash of everything that decides what a migrated database holds, and of its owner."""
    digest = hashlib.sha256(str(os.geteuid()).encode())
    for path in ingredients():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def ingredients() -> Iterator[Path]:
    """Migrations, bootstrap, the versions of Postgres and of the auth server, and how servers are made."""
    yield from sorted((CHECKOUT / "database" / "migrations").glob("*.sql"))
    yield CHECKOUT / "tally" / "local" / "migrations.py"
    yield from sorted(STACK.glob("*.mjs"))
    yield from (STACK / "bootstrap.sql", STACK / "package-lock.json", STACK.parent / "config.toml")
    yield from (CHECKOUT / "tests" / "database" / "cluster.py", CHECKOUT / "tests" / "embedded.py")
