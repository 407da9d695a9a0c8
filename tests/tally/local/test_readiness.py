"""A start that cannot succeed is refused with a sentence, before anything is written."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tally.core.errors import TallyError
from tally.local.home import Home, open_home
from tally.local.postmaster import find_postmaster
from tally.local.readiness import (
    has_database,
    refuse_full_disk,
    refuse_other_postgres,
    set_aside_broken_sessions,
)
from tests.embedded import free_port_block
from tests.scratch import mounted_disk
from tests.tally.local.test_up import refused_up


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted_disk(tmp_path):
        yield tmp_path


def test_first_start_on_a_small_disk_is_refused_before_anything_is_made(small_disk: Path) -> None:
    refused = refused_up(small_disk / "home", free_port_block())
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The disk that holds {small_disk / 'home'} has 4")
    assert "Free some space" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (small_disk / "home" / "secrets.json").exists()


def test_start_on_a_small_disk_that_has_a_database_needs_less(small_disk: Path) -> None:
    home = open_home(small_disk / "home")
    version = home.data / "17" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n")
    with pytest.raises(TallyError, match="needs 50 MB"):
        refuse_full_disk(home)


def test_full_disk_is_named_by_every_file_that_is_written(small_disk: Path) -> None:
    open_home(small_disk)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(b"0" * 50_000_000)
    refused = refused_up(small_disk, free_port_block())
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "space" in refused.stderr


@pytest.mark.parametrize(("folder", "version"), [("17", "18"), ("16", "16"), ("18", "18")])
def test_data_of_another_postgres_is_named_and_kept(tmp_path: Path, folder: str, version: str) -> None:
    home = open_home(tmp_path)
    file = home.data / folder / "PG_VERSION"
    file.parent.mkdir(parents=True)
    file.write_text(f"{version}\n")
    with pytest.raises(TallyError, match=rf"PostgreSQL {version}; this Tally runs 17.*tally restore"):
        refuse_other_postgres(home)
    assert [path.name for path in home.data.iterdir()] == [folder]


def test_database_whose_creation_was_killed_is_none(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    unfinished = home.data / "17.unfinished-99"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("17\n")
    # What initdb writes: the id of a program that is no server is negative.
    (unfinished / "postmaster.pid").write_text(f"-4711\n{unfinished}\n1764400000\n0\n")
    refuse_other_postgres(home)
    assert not has_database(home)
    assert find_postmaster(home) is None
    finished = home.data / "17"
    unfinished.rename(finished)
    found = find_postmaster(home)
    assert found is not None
    assert not found.is_running
    assert has_database(home)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("TALLY_SESSIONS_DB", raising=False)
    return open_home(tmp_path)


def test_store_of_sessions_with_random_bytes_is_set_aside(home: Home) -> None:
    said: list[str] = []
    home.sessions_db.write_bytes(bytes(range(256)) * 64)
    home.sessions_db.with_name("sessions.db-wal").write_bytes(b"log")
    set_aside_broken_sessions(home, said.append)
    assert not home.sessions_db.exists()
    aside = sorted(path.name for path in home.path.glob("sessions.db.broken-*"))
    assert len(aside) == 1
    assert list(home.path.glob("sessions.db-*")) == []
    assert (home.path / aside[0]).read_bytes() == bytes(range(256)) * 64
    assert len(said) == 1
    assert said[0].endswith(f"so everyone has to sign in again. It is now {home.path / aside[0]}.")


def test_intact_store_of_sessions_stays(home: Home) -> None:
    with closing(sqlite3.connect(home.sessions_db)) as store:
        store.execute("create table sessions (id text)")
        store.execute("insert into sessions values ('one')")
        store.commit()
        store.execute("begin exclusive")  # another program writes
        set_aside_broken_sessions(home, pytest.fail)
    with closing(sqlite3.connect(home.sessions_db)) as store:
        assert store.execute("select id from sessions").fetchall() == [("one",)]
    open_home(home.path / "empty")
    set_aside_broken_sessions(Home(home.path / "empty"), pytest.fail)
