"""Read positions: how far each log was read, and the requests that were collected from it."""

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tally.agents.events import Event, KnownRequest, KnownRequests
from tally.agents.jsonl import ends_with
from tally.agents.log_files import LogFile
from tally.agents.scan import FileRead
from tally.core.errors import TallyError

VERSION = 1
NAMES_PER_QUERY = 500  # SQLite limits the parameters of a query
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


def find_positions(folder: Path, account: str) -> Path:
    """Return the path of an account's read positions; a file from an older version is renamed to it."""
    path, earlier = folder / f"read-positions-{account}.sqlite", folder / f"cursors-{account}.sqlite"
    if earlier.exists() and not path.exists():
        earlier.rename(path)
    return path


class ReadPositions:
    """One account's read positions on this machine; they advance only after the database has the records."""

    def __init__(self, path: Path) -> None:
        self._database = _open(path)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def load_files(self, agent: str, files: Sequence[LogFile]) -> list[LogFile]:
        """Return the logs with unread bytes, at their positions; a replaced or truncated log starts at 0."""
        rows = self._database.execute(
            "select path, inode, size, mtime_ns, offset, tail, state from file where agent = ?", [agent]
        )
        positions = {path: rest for path, *rest in rows}
        return [
            current
            for file in files
            if (current := _continue(file, positions.get(os.fsencode(file.path)))) is not None
        ]

    def load_known(self, agent: str, events: Iterable[Event]) -> KnownRequests:
        """Load the known requests that share a name with these events."""
        names = list({event.name for event in events})
        by_name: dict[str, list[KnownRequest]] = {}
        for start in range(0, len(names), NAMES_PER_QUERY):
            chosen = names[start : start + NAMES_PER_QUERY]
            marks = ",".join("?" * len(chosen))
            query = (
                "select message, name, attempt, rank from request"  # noqa: S608 - placeholders only
                f" where agent = ? and message in ({marks}) order by message, place"
            )
            for message, name, attempt, rank in self._database.execute(query, [agent, *chosen]):
                request = KnownRequest(name, attempt, _read_rank(rank))
                by_name.setdefault(message, []).append(request)
        return KnownRequests(by_name)

    def advance(self, agent: str, reads: Sequence[FileRead], collected: Sequence[Event]) -> None:
        """Store read positions and collected requests, once the database has their records."""
        with self._database as database:
            database.executemany(
                "insert or replace into file values (?, ?, ?, ?, ?, ?, ?, ?)",
                [_file_row(agent, read.file) for read in reads],
            )
            for event in collected:
                # The second request of a message is named "<message>:<attempt>".
                message = event.name.removesuffix(f":{event.attempt}") if event.attempt else event.name
                known = (event.name, event.attempt, json.dumps(event.rank))
                database.execute(
                    "insert or replace into request select ?, ?, coalesce("
                    "  (select place from request where agent = ? and message = ? and name = ?),"
                    "  (select count(*) from request where agent = ? and message = ?)"
                    "), ?, ?, ?",
                    [agent, message, agent, message, event.name, agent, message, *known],
                )

    def load_source(self, agent: str) -> tuple[str | None, dict[str, Any]]:
        """Return the import that an agent's records belong to, and the settings they were read with."""
        row = self._database.execute(
            "select import_id, settings from source where agent = ?", [agent]
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else (None, {})

    def begin(self, agent: str, import_id: str, settings: dict[str, Any]) -> None:
        """Start a run; with another import or other settings than before, all logs are read again."""
        with self._database as database:
            if self.load_source(agent) != (import_id, settings):
                database.execute("delete from file where agent = ?", [agent])
                database.execute("delete from request where agent = ?", [agent])
            database.execute(
                "insert or replace into source values (?, ?, ?)", [agent, import_id, json.dumps(settings)]
            )


def _continue(file: LogFile, position: list[Any] | None) -> LogFile | None:
    """Return a log at its read position, or None when nothing is unread."""
    if position is None:
        return file if file.size else None
    inode, size, mtime_ns, offset, tail, state = position
    if inode != file.inode or file.size < offset:
        return file
    if (size, mtime_ns) == (file.size, file.mtime_ns):
        return None
    if not ends_with(file.path, offset, tail):
        return file  # overwritten in place
    return replace(file, offset=offset, tail=tail, state=json.loads(state))


def _file_row(agent: str, file: LogFile) -> list[Any]:
    where = [os.fsencode(file.path), file.inode, file.size, file.mtime_ns]
    return [agent, *where, file.offset, file.tail, json.dumps(file.state)]


def _read_rank(text: str) -> tuple[bool, int, int, bool]:
    is_main, tokens, output_tokens, has_context = json.loads(text)
    return is_main, tokens, output_tokens, has_context


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, replacing an unreadable one: logs are then read again and duplicates skipped."""
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
    raise TallyError(f"{path} cannot be created. Check the free disk space, then try again.")
