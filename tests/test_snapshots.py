"""Snapshots of databases: made once, shared by workers, made again when they are damaged or outdated."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import snapshots
from tests.snapshots import fill


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the test's own."""
    monkeypatch.setattr(snapshots, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


class Maker:
    """Fills a folder, and counts how often."""

    times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "base").mkdir(parents=True)
        (folder / "base" / "table").write_bytes(b"rows" * 10_000)
        (folder / "base" / "table").chmod(0o600)


def assert_is_filled(folder: Path) -> None:
    assert (folder / "base" / "table").read_bytes() == b"rows" * 10_000
    assert (folder / "base" / "table").stat().st_mode & 0o777 == 0o600


def test_snapshot_is_made_once_for_concurrent_workers(tmp_path: Path) -> None:
    make = Maker()
    folders = [tmp_path / str(number) for number in range(8)]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda folder: fill(folder, "one", make), folders))
    for folder in folders:
        assert_is_filled(folder)
    assert make.times == 1


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_truncated_snapshot_is_made_again(tmp_path: Path, empty_cache: Path, kept: float) -> None:
    make = Maker()
    fill(tmp_path / "first", "one", make)
    (archive,) = empty_cache.glob("*.tar.gz")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * kept)])
    fill(tmp_path / "second", "one", make)
    assert_is_filled(tmp_path / "second")
    assert make.times == 2
    assert archive.read_bytes()[:2] == whole[:2]


def test_damaged_snapshot_is_made_again(tmp_path: Path, empty_cache: Path) -> None:
    make = Maker()
    fill(tmp_path / "first", "one", make)
    (archive,) = empty_cache.glob("*.tar.gz")
    whole = bytearray(archive.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    archive.write_bytes(whole)
    fill(tmp_path / "second", "one", make)
    assert_is_filled(tmp_path / "second")
    assert make.times == 2


def test_snapshot_of_another_schema_is_replaced(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Maker()
    fill(tmp_path / "first", "one", make)
    monkeypatch.setattr(snapshots, "fingerprint", lambda: "another")
    fill(tmp_path / "second", "one", make)
    assert make.times == 2
    assert [archive.name for archive in empty_cache.glob("*.tar.gz")] == ["one-another.tar.gz"]


def test_fingerprint_covers_migrations_and_versions() -> None:
    names = {path.name for path in snapshots.ingredients()}
    assert {path.name for path in (snapshots.CHECKOUT / "database" / "migrations").glob("*.sql")} < names
    assert {"bootstrap.sql", "package-lock.json"} < names
