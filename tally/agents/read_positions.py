"""Read positions: how far each log was read, and the requests that were collected from it.

Each request is in one workspace, or in none by a folder rule. Later rules change neither while its source
exists.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tally.agents.events import Event, KnownRequest, KnownRequests
from tally.agents.jsonl import ends_with
from tally.agents.log_files import LogFile
from tally.agents.scan import FileRead
from tally.core.errors import TallyError

VERSION = 2
NAMES_PER_QUERY = 500  # SQLite limits the parameters of a query
TABLES = """
    create table source (
        agent text, workspace text, import_id text, settings text,
        primary key (agent, workspace)
    ) without rowid;
    create table file (
        agent text, path blob, inode integer, size integer, mtime_ns integer,
        offset integer, tail blob, state text,
        primary key (agent, path)
    ) without rowid;
    create table request (
        agent text, message text, place integer, name text, attempt text, rank text,
        workspace text, is_known integer,
        primary key (agent, message, place)
    ) without rowid;
"""
# Before, all sources were in the personal workspace, and Codex's state had no whole folder.
FROM_VERSION_1 = """
    alter table source rename to old_source;
    alter table request rename to old_request;
    alter table file rename to old_file;
    {tables}
    insert into source select agent, {personal}, import_id, settings from old_source;
    insert into request select agent, message, place, name, attempt, rank, {personal}, 1 from old_request;
    insert into file select * from old_file where agent <> 'codex';
    drop table old_source;
    drop table old_request;
    drop table old_file;
"""


def find_positions(folder: Path, account: str) -> Path:
    """Return the path of an account's read positions; a file from an older version is renamed to it."""
    path, earlier = folder / f"read-positions-{account}.sqlite", folder / f"cursors-{account}.sqlite"
    if earlier.exists() and not path.exists():
        earlier.rename(path)
    return path


class ReadPositions:
    """One account's read positions on this machine; they advance only after the database has the records."""

    def __init__(self, path: Path, personal_workspace: str = "") -> None:
        self._database = _open(path, personal_workspace)

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
        by_name: dict[str, list[KnownRequest]] = {}
        for message, name, attempt, rank, _, is_known in self._find_requests(agent, events):
            if is_known:
                request = KnownRequest(name, attempt, _read_rank(rank))
                by_name.setdefault(message, []).append(request)
        return KnownRequests(by_name)

    def load_workspaces(self, agent: str, events: Iterable[Event]) -> dict[str, str]:
        """Load the workspaces of the requests that share a name with these events; empty where left out."""
        return {name: workspace for _, name, _, _, workspace, _ in self._find_requests(agent, events)}

    def _find_requests(self, agent: str, events: Iterable[Event]) -> Iterator[tuple[Any, ...]]:
        names = list({name for event in events for name in (event.name, *event.aliases)})
        for start in range(0, len(names), NAMES_PER_QUERY):
            chosen = names[start : start + NAMES_PER_QUERY]
            marks = ",".join("?" * len(chosen))
            query = (
                "select message, name, attempt, rank, workspace, is_known from request"  # noqa: S608 - placeholders only
                f" where agent = ? and message in ({marks}) order by message, place"
            )
            yield from self._database.execute(query, [agent, *chosen]).fetchall()

    def advance(
        self, agent: str, reads: Sequence[FileRead], collected: Mapping[str, Iterable[Event]]
    ) -> None:
        """Store read positions and requests by workspace, once the database has their records.

        Those that were left out are under the empty text.
        """
        with self._database as database:
            database.executemany(
                "insert or replace into file values (?, ?, ?, ?, ?, ?, ?, ?)",
                [_file_row(agent, read.file) for read in reads],
            )
            for workspace, events in collected.items():
                for event in events:
                    self._add_request(agent, workspace, event)

    def _add_request(self, agent: str, workspace: str, event: Event) -> None:
        # The second request of a message is named "<message>:<attempt>".
        message = event.name.removesuffix(f":{event.attempt}") if event.attempt else event.name
        known = (event.name, event.attempt, json.dumps(event.rank), workspace)
        for found_by in (message, *event.aliases):
            self._database.execute(
                "insert or replace into request select ?, ?, coalesce("
                "  (select place from request where agent = ? and message = ? and name = ?),"
                "  (select coalesce(max(place), -1) + 1 from request where agent = ? and message = ?)"
                "), ?, ?, ?, ?, 1",
                [agent, found_by, agent, found_by, event.name, agent, found_by, *known],
            )

    def list_workspaces(self) -> set[str]:
        """Workspaces with records of this machine."""
        return {workspace for (workspace,) in self._database.execute("select workspace from source")}

    def load_source(self, agent: str, workspace: str) -> tuple[str | None, dict[str, Any]]:
        """Return the import that an agent's records in a workspace belong to, and their settings."""
        row = self._database.execute(
            "select import_id, settings from source where agent = ? and workspace = ?", [agent, workspace]
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else (None, {})

    def store_source(self, agent: str, workspace: str, import_id: str, settings: Mapping[str, Any]) -> None:
        """Store the import that an agent's records in a workspace belong to, and their settings."""
        with self._database as database:
            database.execute(
                "insert or replace into source values (?, ?, ?, ?)",
                [agent, workspace, import_id, json.dumps(settings)],
            )

    def begin(self, agent: str, workspace: str, import_id: str | None, settings: Mapping[str, Any]) -> None:
        """Start a run for an agent's import in a workspace, None where there is none.

        With other settings than before, all logs are read again.
        """
        self.forget_deleted(agent, workspace, import_id)
        known_id, known_settings = self.load_source(agent, workspace)
        if known_id is not None and known_settings != settings:
            self.start_again(agent)
        if import_id is not None:
            self.store_source(agent, workspace, import_id, settings)

    def forget_deleted(self, agent: str, workspace: str, import_id: str | None) -> None:
        """Read all logs again if the import is another one than before: its requests were deleted with it."""
        if self.load_source(agent, workspace)[0] in (None, import_id):
            return
        with self._database as database:
            for table in ("request", "source"):
                database.execute(
                    f"delete from {table} where agent = ? and workspace = ?",  # noqa: S608 - two names
                    [agent, workspace],
                )
        self.start_again(agent)

    def start_again(self, agent: str) -> None:
        """Read all logs of an agent again: requests stay in their workspaces, those left out may be added."""
        with self._database as database:
            database.execute("delete from file where agent = ?", [agent])
            database.execute("delete from request where agent = ? and workspace = ''", [agent])
            # The owner of an alias stays: its copies would count beside it.
            database.execute(
                "update request set is_known = 0 where agent = ?"
                " and name in (message, message || ':' || attempt)",
                [agent],
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


def _open(path: Path, personal_workspace: str) -> sqlite3.Connection:
    """Open the file, replacing an unreadable one: logs are then read again and duplicates skipped."""
    for attempt in range(2):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(path, timeout=10)
        try:
            version = database.execute("pragma user_version").fetchone()[0]
            if version == VERSION:
                return database
            if version == 1:
                _upgrade(database, personal_workspace)
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


def _upgrade(database: sqlite3.Connection, personal_workspace: str) -> None:
    """Bring a file of version 1 to this one."""
    personal = "'" + personal_workspace.replace("'", "''") + "'"
    statements = FROM_VERSION_1.format(tables=TABLES, personal=personal)
    database.executescript(f"begin; {statements} pragma user_version = {VERSION}; commit")
