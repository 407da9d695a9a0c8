"""The file of a backup: complete or absent, and every change of it is noticed."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from tally.backups.archive import Archive, BackupDamaged, new_archive
from tally.backups.manifest import DATABASE, FORMAT, KEYS, Manifest
from tally.core.errors import TallyError
from tests.scratch import mounted_disk

DUMP = bytes(range(256)) * 10_000  # more than one chunk
HEAD = 60  # bytes of the first file's own header and name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tally.backup"
    with new_archive(path) as archive:
        archive.add(DATABASE, io.BytesIO(DUMP))
        archive.add(KEYS, io.BytesIO(b"encrypted"))
        archive.finish(manifest_of(archive.parts))
    return path


def manifest_of(parts: Mapping[str, object], format: int = FORMAT) -> Manifest:
    values = {"tally": "0.1.0", "postgres": "17.10", "created_at": "2026-11-29T01:00:00+00:00"}
    return Manifest.model_validate(
        {**values, "format": format, "migrations": {}, "totals": {}, "parts": parts}, strict=False
    )


def test_parts_are_read_back(file: Path, tmp_path: Path) -> None:
    archive = Archive(file)
    archive.verify()
    archive.extract(DATABASE, tmp_path / "dump")
    assert (tmp_path / "dump").read_bytes() == DUMP
    assert archive.read_keys() == "encrypted"
    assert archive.manifest.has_keys
    assert file.stat().st_mode & 0o777 == 0o600


def test_failed_backup_leaves_no_file(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            raise KeyError

    with pytest.raises(KeyError), new_archive(tmp_path / "tally.backup") as archive:
        archive.add(DATABASE, Broken())
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    with mounted_disk(tmp_path):
        refusal = pytest.raises(TallyError, match=r"cannot be written \(No space left on device\)")
        with refusal, new_archive(tmp_path / "tally.backup") as archive:
            archive.add(DATABASE, io.BytesIO(bytes(60_000_000)))
        assert list(tmp_path.iterdir()) == []


def test_existing_file_is_never_replaced(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(TallyError, match="exists"), new_archive(file):
        pass
    assert file.read_bytes() == before


def test_two_backups_to_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "tally.backup"
    with new_archive(path) as archive:
        archive.add(DATABASE, io.BytesIO(DUMP))
        with pytest.raises(TallyError, match="Another backup"), new_archive(path):
            pass
        archive.finish(manifest_of(archive.parts))
    Archive(path).verify()
    assert [each.name for each in tmp_path.iterdir()] == ["tally.backup"]


def test_every_changed_region_is_noticed(file: Path) -> None:
    original = file.read_bytes()
    for place in range(0, len(original), len(original) // 97):
        changed = bytearray(original)
        changed[place] ^= 0xFF
        file.write_bytes(changed)
        try:
            archive = Archive(file)
            archive.verify()
        except TallyError:
            continue
        assert read_all(archive) == [DUMP, b"encrypted"], f"byte {place} was changed unnoticed"


def read_all(archive: Archive) -> list[bytes]:
    parts = []
    for name in (DATABASE, KEYS):
        chunks: list[bytes] = []
        archive.copy(name, chunks.append)
        parts.append(b"".join(chunks))
    return parts


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_shortened_file_is_refused(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BackupDamaged, match="damaged"):
        Archive(file).verify()


def test_swapped_part_is_noticed(file: Path) -> None:
    archive = Archive(file)
    with zipfile.ZipFile(file, "w") as changed:
        changed.writestr(DATABASE, DUMP[::-1])
        changed.writestr(KEYS, b"encrypted")
        changed.writestr("manifest.json", archive.manifest.model_dump_json())
    with pytest.raises(BackupDamaged, match=r"database\.dump was changed"):
        Archive(file).verify()


def test_missing_part_and_later_format_are_named(tmp_path: Path, file: Path) -> None:
    parts = Archive(file).manifest.parts
    for name, format, reason in (("a", FORMAT, "parts are missing"), ("b", FORMAT + 1, "newer Tally")):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(DATABASE, DUMP)
            archive.writestr("manifest.json", manifest_of(parts, format).model_dump_json())
        with pytest.raises(TallyError, match=reason):
            Archive(path)
    with pytest.raises(TallyError, match="There is no file"):
        Archive(tmp_path / "absent")
    (tmp_path / "text").write_text("no backup")
    with pytest.raises(BackupDamaged, match="not a backup of Tally"):
        Archive(tmp_path / "text")


def test_any_damage_is_refused_in_a_sentence(file: Path) -> None:
    sentences: list[str] = []
    whole, chance = file.read_bytes(), Random(5)
    lists = whole.index(b"PK\1\2")
    for _ in range(300):
        damaged = bytearray(whole)
        for place in (chance.randrange(HEAD), chance.randrange(lists, len(whole)), chance.randrange(lists)):
            if chance.random() < 0.5:
                damaged[place] = chance.randrange(256)
        file.write_bytes(damaged)
        try:
            Archive(file).verify()
        except BackupDamaged as refused:
            sentences.append(str(refused))
    assert len(sentences) > 100
    assert all(sentence.endswith(".") for sentence in sentences)
