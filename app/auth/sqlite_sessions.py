"""Sessions in an SQLite file: they survive a restart, and processes on one machine may share it."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.auth.session_store import (
    ABSOLUTE_SECONDS,
    HOLD_SECONDS,
    IDLE_SECONDS,
    TOUCH_SECONDS,
    StoredSession,
)

LOCK_WAIT_SECONDS = 10.0
POLL_SECONDS = 0.05

SCHEMA = (
    """
create table if not exists sessions (
    id text primary key,
    user_id text not null,
    sealed blob not null,
    opened_at integer not null,
    seen_at integer not null,
    leased_until real not null default 0
) strict, without rowid
""",
    # It outlives sessions. In the database, a choice would change the data version and empty the caches.
    """
create table if not exists last_workspaces (
    user_id text primary key,
    workspace_id text not null
) strict, without rowid
""",
)


class SqliteSessions:
    """The store of one machine. Its clock is also the one by which tokens end."""

    is_quick = True

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._writer, self._writing = _connect(path), threading.Lock()
        self._reader, self._reading = _connect(path), threading.Lock()  # readers do not wait for a writer
        self._forget_ended()

    def add(self, session_id: str, session: StoredSession) -> None:
        """Keep a new session, and forget those that have ended."""
        now = int(self._now())
        self._forget_ended()
        self._write(
            "insert into sessions (id, user_id, sealed, opened_at, seen_at) values (?, ?, ?, ?, ?)",
            *(session_id, session.user_id, session.sealed, now, now),
        )

    def read(self, session_id: str) -> StoredSession | None:
        """A session that has not ended; its use is noted. One indexed read."""
        row = self._read(
            "select user_id, sealed, seen_at from sessions where id = ? and seen_at >= ? and opened_at >= ?",
            *(session_id, *self._oldest()),
        )
        if row is None:
            return None
        if self._now() - row[2] > TOUCH_SECONDS:
            with contextlib.suppress(sqlite3.OperationalError):  # a full disk must not sign users out
                self._write("update sessions set seen_at = ? where id = ?", int(self._now()), session_id)
        return StoredSession(row[0], row[1])

    def account_of(self, session_id: str) -> str | None:
        """The user of a session that was not closed. One indexed read."""
        row = self._read("select user_id from sessions where id = ?", session_id)
        return str(row[0]) if row else None

    def hold(self, session_id: str, holder: str) -> bool:  # noqa: ARG002 - the file has no column for it
        """Take the right to renew a session's tokens for a while, across threads and processes."""
        now = self._now()
        sql = "update sessions set leased_until = ? where id = ? and leased_until < ?"
        return self._write(sql, now + HOLD_SECONDS, session_id, now) == 1

    def release(self, session_id: str, holder: str) -> None:  # noqa: ARG002
        """Give the right back."""
        self._write("update sessions set leased_until = 0 where id = ?", session_id)

    def renew(self, session_id: str, session: StoredSession) -> bool:
        """Keep renewed tokens; false if the session was closed."""
        return self._write("update sessions set sealed = ? where id = ?", session.sealed, session_id) == 1

    def remove(self, session_id: str) -> None:
        """Forget a session."""
        self._write("delete from sessions where id = ?", session_id)

    def remove_all(self, user_id: str, kept: str | None) -> int:
        """Forget the sessions of a user except one; returns their number."""
        return self._write("delete from sessions where user_id = ? and id is not ?", user_id, kept)

    def last_workspace(self, user_id: str) -> str | None:
        """The workspace that a user chose last, unless it was the personal one. One indexed read."""
        row = self._read("select workspace_id from last_workspaces where user_id = ?", user_id)
        return str(row[0]) if row else None

    def save_last_workspace(self, user_id: str, workspace_id: str | None) -> None:
        """Remember the workspace that a user chose; None for the personal one."""
        if workspace_id is None:
            self._write("delete from last_workspaces where user_id = ?", user_id)
        else:
            self._write("insert or replace into last_workspaces values (?, ?)", user_id, workspace_id)

    def _forget_ended(self) -> None:
        self._write("delete from sessions where seen_at < ? or opened_at < ?", *self._oldest())

    def _oldest(self) -> tuple[int, int]:
        now = int(self._now())
        return now - IDLE_SECONDS, now - ABSOLUTE_SECONDS

    def _read(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with self._reading:
            row: tuple[Any, ...] | None = self._reader.execute(sql, values).fetchone()
            return row

    def _write(self, sql: str, *values: object) -> int:
        with self._writing:
            return self._writer.execute(sql, values).rowcount


def _connect(path: Path) -> sqlite3.Connection:
    """Open the store, readable by its owner only; two processes may create it at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:  # SQLite answers "locked" without waiting when two connections switch to WAL at once
            db.execute("pragma journal_mode = wal")
            for statement in SCHEMA:
                db.execute(statement)
            return db
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
