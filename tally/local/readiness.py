"""Conditions of a start that are checked before anything is written."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tally.core.errors import TallyError
from tally.local.home import POSTGRES_MAJOR, Home

FIRST_START_BYTES = 500_000_000  # a new database has 40 MB, and its log of changes grows with an import
LATER_START_BYTES = 50_000_000
SQLITE_FILES = ("", "-wal", "-shm", "-journal")


def refuse_full_disk(home: Home) -> None:
    """Raise TallyError unless there is room to start."""
    free = shutil.disk_usage(home.path).free
    needed = LATER_START_BYTES if has_database(home) else FIRST_START_BYTES
    if free < needed:
        raise TallyError(
            f"The disk that holds {home.path} has {free / 1e6:,.0f} MB left, and Tally needs "
            f"{needed / 1e6:,.0f} MB to start. Free some space, or choose a folder on another disk with "
            "TALLY_HOME."
        )


def refuse_other_postgres(home: Home) -> None:
    """Raise TallyError if the data was made by another major version of PostgreSQL."""
    for file in home.files_of_data("PG_VERSION"):
        found = file.read_text(encoding="utf-8", errors="replace").strip()
        if {found, file.parent.name} != {POSTGRES_MAJOR}:
            raise TallyError(
                f"{file.parent} holds data of PostgreSQL {found[:10]}; this Tally runs {POSTGRES_MAJOR}. Run "
                "`tally backup` with the Tally that made it, then `tally restore` with this one and an empty "
                "TALLY_HOME. Where the restore refuses another version's tables, `tally export --everything` "
                "and `tally import --everything` move each workspace."
            )


def refuse_unfinished_restore(home: Home) -> None:
    """Raise TallyError if a restore into this folder was interrupted."""
    if home.restore_marker.exists():
        raise TallyError(
            f"A restore into {home.path} was interrupted, and what is there is incomplete. Run "
            "`tally restore` with the backup again: it starts over."
        )


def has_database(home: Home) -> bool:
    """True if a database was created here."""
    return bool(home.files_of_data("PG_VERSION"))


def set_aside_broken_sessions(home: Home, notify: Callable[[str], None]) -> None:
    """Rename a session store that cannot be read: people sign in again, and nothing else is in it."""
    store = Path(os.environ.get("TALLY_SESSIONS_DB") or home.sessions_db)
    if not store.is_file() or _is_intact(store):
        return
    aside = store.with_name(f"{store.name}.broken-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    for suffix in SQLITE_FILES:
        part = store.with_name(store.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    notify(f"The store of sessions was damaged, so everyone has to sign in again. It is now {aside}.")


def _is_intact(store: Path) -> bool:
    try:
        with closing(sqlite3.connect(store)) as connection:
            return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        return True  # locked or unreadable, which is not damage
    except sqlite3.DatabaseError:
        return False
