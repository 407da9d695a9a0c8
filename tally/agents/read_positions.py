"""What was collected before: how far each log was read, and which requests were in it."""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tally.agents.lines import ends_with
from tally.agents.logs import Event, Known, Slot
from tally.agents.scan import FileRead, LogFile
from tally.core.errors import TallyError

VERSION = 1
NAMES_AT_ONCE = 500  # in one question to SQLite
TABLES = """
    create table source (agent text primary key, import_id text, settings text) without rowid;
    create table file (
        agent text, path blob, inode integer, size integer, mtime_ns integer,
        offset integer, tail blob, state text,
        primary key (agent, path)
    ) without rowid;
    create table request (
        agent text, message text, place integer, name text, attempt text, rank text,
        primary key (agent, message, place)
    ) without rowid;
"""


class Cursors:
    """One account's cursors on this machine; they move only when the database has what was read."""

    def __init__(self, path: Path) -> None:
        self._database = _open(path)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def load_files(self, agent: str, files: Sequence[LogFile]) -> list[LogFile]:
        """These logs with how far they were read; one that was replaced or cut begins anew.

        Those in which nothing is new are left out.
        """
        rows = self._database.execute(
            "select path, inode, size, mtime_ns, offset, tail, state from file where agent = ?", [agent]
        )
        before = {path: rest for path, *rest in rows}
        return [
            current
            for file in files
            if (current := _continue(file, before.get(os.fsencode(file.path)))) is not None
        ]

    def load_known(self, agent: str, events: Iterable[Event]) -> Known:
        """What is known of these requests."""
        names = list({event.name for event in events})
        slots: dict[str, list[Slot]] = {}
        for start in range(0, len(names), NAMES_AT_ONCE):
            chosen = names[start : start + NAMES_AT_ONCE]
            marks = ",".join("?" * len(chosen))
            query = (
                "select message, name, attempt, rank from request"  # noqa: S608 - marks only
                f" where agent = ? and message in ({marks}) order by message, place"
            )
            for message, name, attempt, rank in self._database.execute(query, [agent, *chosen]):
                slots.setdefault(message, []).append(Slot(name, attempt, _read_rank(rank)))
        return Known(slots)

    def advance(self, agent: str, reads: Sequence[FileRead], collected: Sequence[Event]) -> None:
        """These parts of logs are in the database now."""
        with self._database as database:
            database.executemany(
                "insert or replace into file values (?, ?, ?, ?, ?, ?, ?, ?)",
                [_file_row(agent, read.file) for read in reads],
            )
            for event in collected:
                # A second request of one message has the message's name with its own behind it.
                message = event.name.removesuffix(f":{event.attempt}") if event.attempt else event.name
                slot = (event.name, event.attempt, json.dumps(event.rank))
                database.execute(
                    "insert or replace into request select ?, ?, coalesce("
                    "  (select place from request where agent = ? and message = ? and name = ?),"
                    "  (select count(*) from request where agent = ? and message = ?)"
                    "), ?, ?, ?",
                    [agent, message, agent, message, event.name, agent, message, *slot],
                )

    def load_source(self, agent: str) -> tuple[str | None, dict[str, Any]]:
        """The row of `imports` that this agent's logs go to, and with which settings they were read."""
        row = self._database.execute(
            "select import_id, settings from source where agent = ?", [agent]
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else (None, {})

    def begin(self, agent: str, import_id: str, settings: dict[str, Any]) -> None:
        """Logs go to this row from now on; to another one, or with other settings, everything goes again."""
        with self._database as database:
            if self.load_source(agent) != (import_id, settings):
                database.execute("delete from file where agent = ?", [agent])
                database.execute("delete from request where agent = ?", [agent])
            database.execute(
                "insert or replace into source values (?, ?, ?)", [agent, import_id, json.dumps(settings)]
            )


def _continue(file: LogFile, before: list[Any] | None) -> LogFile | None:
    if before is None:
        return file if file.size else None
    inode, size, mtime_ns, offset, tail, state = before
    if inode != file.inode or file.size < offset:
        return file
    if (size, mtime_ns) == (file.size, file.mtime_ns):
        return None
    if not ends_with(file.path, offset, tail):
        return file  # written anew in place
    return replace(file, offset=offset, tail=tail, state=json.loads(state))


def _file_row(agent: str, file: LogFile) -> list[Any]:
    where = [os.fsencode(file.path), file.inode, file.size, file.mtime_ns]
    return [agent, *where, file.offset, file.tail, json.dumps(file.state)]


def _read_rank(text: str) -> tuple[bool, int, int, bool]:
    is_main, tokens, output_tokens, has_context = json.loads(text)
    return is_main, tokens, output_tokens, has_context


def _open(path: Path) -> sqlite3.Connection:
    """The database, made anew where it cannot be read: then everything is read again, which adds nothing."""
    for attempt in range(2):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(path, timeout=10)
        try:
            version = database.execute("pragma user_version").fetchone()[0]
            if version == VERSION:
                return database
            if version == 0 and not database.execute("select 1 from sqlite_master").fetchone():
                database.executescript(f"begin; {TABLES} pragma user_version = {VERSION}; commit")
                return database
        except sqlite3.DatabaseError:
            if attempt:
                raise
        database.close()
        path.unlink()
    raise TallyError(f"{path} cannot be made. Check the space on the disk, then try again.")


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Two runs on one machine must not move the same cursors."""
    descriptor = os.open(folder / "collect.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TallyError(
                "Another collection is running on this machine. Wait until it has ended."
            ) from None
        yield
    finally:
        os.close(descriptor)
