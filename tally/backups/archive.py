"""One file of a backup: a ZIP of the database's dump, the encrypted keys and a manifest."""

import fcntl
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from tally.backups.manifest import DATABASE, FORMAT, KEYS, Manifest, Part
from tally.core.errors import TallyError

MANIFEST = "manifest.json"
CHUNK = 1 << 20
MAX_SMALL_BYTES = 10_000_000  # of the manifest and the keys
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
UNREADABLE = (*DAMAGED, OSError, KeyError, ValueError)


class BackupDamaged(TallyError):
    """The file is no backup, or was changed or shortened."""


class ArchiveWriter:
    """A file of parts that is being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: dict[str, Part] = {}

    def add(self, name: str, source: IO[bytes]) -> Part:
        """Add a part; returns its size and checksum."""
        with self.writing(name) as write:
            while chunk := source.read(CHUNK):
                write(chunk)
        return self.parts[name]

    @contextmanager
    def writing(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Add a part piece by piece, with the function that is given."""
        digest, size = hashlib.sha256(), 0

        def write(chunk: bytes) -> None:
            nonlocal size
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)

        described = zipfile.ZipInfo(name)
        described.compress_type = self._archive.compression
        with self._archive.open(described, "w", force_zip64=True) as target:
            yield write
        self.parts[name] = Part(size=size, sha256=digest.hexdigest())

    def finish(self, manifest: BaseModel) -> None:
        """Add the manifest, without which the file is incomplete."""
        self._archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))


@contextmanager
def new_archive(
    path: Path, what: str = "backup", compression: int = zipfile.ZIP_STORED
) -> Iterator[ArchiveWriter]:
    """Write a file under another name and rename it at the end: it is complete or absent."""
    if path.exists():
        raise TallyError(f"{path} exists. Choose another name, or delete that file.")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate()
            with zipfile.ZipFile(file, "w", compression) as archive:
                yield ArchiveWriter(archive)
            file.flush()
            os.fsync(file.fileno())
            unfinished.rename(path)
    except BlockingIOError:
        raise TallyError(f"Another {what} is being written to {path}.") from None
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TallyError(
            f"The {what} {path} cannot be written ({error.strerror}). Free disk space may help."
        ) from None
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class Archive:
    """A backup that is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                text = _read_small(archive, MANIFEST)
                names = set(archive.namelist()) - {MANIFEST}
            if json.loads(text).get("format") != FORMAT:
                raise TallyError(f"{path} was made by a newer Tally. Update Tally, then try again.")
            self.manifest = Manifest.model_validate_json(text)
        except FileNotFoundError:
            raise TallyError(f"There is no file {path}.") from None
        except (*UNREADABLE, ValidationError, AttributeError):
            raise BackupDamaged(
                f"{path} is not a backup of Tally, or it is damaged. Use another one."
            ) from None
        if not {DATABASE} <= names == set(self.manifest.parts):
            raise BackupDamaged(f"{path} is damaged: parts are missing. Use another backup.")

    def verify(self) -> None:
        """Read every part; raises BackupDamaged if one was changed."""
        for name in self.manifest.parts:
            self.copy(name, lambda _: None)

    def extract(self, name: str, target: Path) -> None:
        """Copy a part into a new file; raises BackupDamaged if it was changed."""
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            self.copy(name, file.write)

    def read_keys(self) -> str:
        """The encrypted keys."""
        chunks: list[bytes] = []
        if self.manifest.parts[KEYS].size > MAX_SMALL_BYTES:
            raise BackupDamaged(f"{self.path} is damaged: its part {KEYS} is too large.")
        self.copy(KEYS, chunks.append)
        return b"".join(chunks).decode(errors="replace")

    def copy(self, name: str, write: Callable[[bytes], object]) -> None:
        """Pass on a part in pieces, and compare its checksum."""
        expected, digest, size = self.manifest.parts[name], hashlib.sha256(), 0
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as part:
                while chunk := part.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if size > expected.size:
                        break
                    write(chunk)
        except DAMAGED:
            size = -1
        if (size, digest.hexdigest()) != (expected.size, expected.sha256):
            raise BackupDamaged(f"{self.path} is damaged: its part {name} was changed. Use another backup.")


def _read_small(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_SMALL_BYTES:
        raise ValueError
    return archive.read(name)
