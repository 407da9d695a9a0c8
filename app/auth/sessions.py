"""Store of browser sessions: one SQLite row each, its tokens encrypted with a key from the cookie.

A stolen file yields neither cookies nor tokens. Nothing about a session is held in memory: it survives a
restart, and several processes may share the file.
"""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.auth.session_keys import COOKIE_LENGTH, decrypt_tokens, encrypt_tokens, new_cookie, session_id
from tally.accounts.auth_client import AuthClient, AuthRefused, AuthUnreachable, Tokens, auth_client
from tally.core.paths import expand_home, tally_home
from tally.secrets.envelope import EnvelopeError

IDLE_SECONDS = 7 * 86_400
ABSOLUTE_SECONDS = 30 * 86_400
TOUCH_SECONDS = 300  # accuracy of `seen_at`, which is not written on every request
REFRESH_MARGIN_SECONDS = 60  # an access token is renewed this long before it expires
LEASE_SECONDS = 30.0  # longer than any upstream call; after a crash, others can refresh again once it expires
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


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A live session, without its secrets."""

    session_id: str
    user_id: str


class Sessions:
    """The session store."""

    def __init__(self, path: Path, upstream: AuthClient, now: Callable[[], float] = time.time) -> None:
        self._upstream, self._now = upstream, now
        self._writer, self._writing = _connect(path), threading.Lock()
        self._reader, self._reading = _connect(path), threading.Lock()  # readers do not wait for a writer
        self._write("delete from sessions where seen_at < ? or opened_at < ?", *self._oldest())

    def open(self, tokens: Tokens) -> str:
        """Begin a session and return its cookie: always a new one, to prevent session fixation."""
        cookie, now = new_cookie(), int(self._now())
        self._write("delete from sessions where seen_at < ? or opened_at < ?", *self._oldest())
        self._write(
            "insert into sessions (id, user_id, sealed, opened_at, seen_at) values (?, ?, ?, ?, ?)",
            *(session_id(cookie), tokens.user_id, _encrypt(cookie, tokens), now, now),
        )
        return cookie

    def find(self, cookie: str | None) -> LiveSession | None:
        """The live session of a cookie, or None. One indexed read."""
        if cookie is None or len(cookie) != COOKIE_LENGTH:
            return None
        sid, (seen_after, opened_after) = session_id(cookie), self._oldest()
        row = self._read(
            "select user_id, seen_at from sessions where id = ? and seen_at >= ? and opened_at >= ?",
            *(sid, seen_after, opened_after),
        )
        if row is None:
            return None
        if self._now() - row[1] > TOUCH_SECONDS:
            with contextlib.suppress(sqlite3.OperationalError):  # a full disk must not sign users out
                self._write("update sessions set seen_at = ? where id = ?", int(self._now()), sid)
        return LiveSession(sid, row[0])

    def user_of(self, sid: str) -> str | None:
        """The user of a session that has not been closed. One indexed read."""
        row = self._read("select user_id from sessions where id = ?", sid)
        return str(row[0]) if row else None

    def tokens(self, cookie: str | None) -> Tokens | None:
        """Tokens that are valid for another minute, renewed if needed; None when the session has ended.

        Raises AuthUnreachable, and keeps the session, when they cannot be renewed now.
        """
        session = self.find(cookie)
        if cookie is None or session is None:
            return None
        deadline = time.monotonic() + LEASE_SECONDS
        while (tokens := self._load_tokens(cookie, session)) is not None:
            if tokens.expires_at - self._now() > REFRESH_MARGIN_SECONDS:
                return tokens
            if self._lease(session.session_id):
                return self._refresh(cookie, session)
            if time.monotonic() > deadline:
                raise AuthUnreachable
            time.sleep(POLL_SECONDS)
        return None

    def close(self, cookie: str | None) -> None:
        """End a session here and, if it can be reached, at Supabase."""
        session = self.find(cookie)
        if cookie is None or session is None:
            return
        tokens = self._load_tokens(cookie, session)
        self._delete(session.session_id)
        if tokens is not None:
            self._revoke(tokens)

    def close_all(self, user_id: str, keep: str | None = None) -> int:
        """End every session of a user except `keep`; returns their number."""
        return self._write("delete from sessions where user_id = ? and id is not ?", user_id, keep)

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

    def _oldest(self) -> tuple[int, int]:
        now = int(self._now())
        return now - IDLE_SECONDS, now - ABSOLUTE_SECONDS

    def _load_tokens(self, cookie: str, session: LiveSession) -> Tokens | None:
        row = self._read("select user_id, sealed from sessions where id = ?", session.session_id)
        if row is None:
            return None
        try:
            return Tokens(**json.loads(decrypt_tokens(cookie, row[1], row[0])))
        except (EnvelopeError, ValueError, TypeError):  # damaged or tampered with
            self._delete(session.session_id)
            return None

    def _lease(self, sid: str) -> bool:
        """Claim the right to refresh this session, across threads and processes."""
        now = time.time()
        sql = "update sessions set leased_until = ? where id = ? and leased_until < ?"
        return self._write(sql, now + LEASE_SECONDS, sid, now) == 1

    def _refresh(self, cookie: str, session: LiveSession) -> Tokens | None:
        try:
            tokens = self._load_tokens(cookie, session)  # the last holder may have refreshed
            if tokens is None or tokens.expires_at - self._now() > REFRESH_MARGIN_SECONDS:
                return tokens
            return self._renew(cookie, session, tokens)
        finally:
            self._write("update sessions set leased_until = 0 where id = ?", session.session_id)

    def _renew(self, cookie: str, session: LiveSession, tokens: Tokens) -> Tokens | None:
        try:
            fresh = self._upstream.refresh(tokens.refresh_token)
        except AuthRefused as refused:
            if not refused.ends_session:
                raise AuthUnreachable from None
            self._delete(session.session_id)
            return None
        except AuthUnreachable:
            if tokens.expires_at > self._now():
                return tokens
            raise
        encrypted = _encrypt(cookie, fresh)
        if self._write("update sessions set sealed = ? where id = ?", encrypted, session.session_id) == 0:
            self._revoke(fresh)  # signed out while the refresh was under way
            return None
        return fresh

    def _revoke(self, tokens: Tokens) -> None:
        with contextlib.suppress(AuthRefused, AuthUnreachable):
            if tokens.expires_at <= self._now() + 5:  # signing out upstream needs a valid access token
                tokens = self._upstream.refresh(tokens.refresh_token)
            self._upstream.sign_out(tokens.access_token)

    def _delete(self, sid: str) -> None:
        self._write("delete from sessions where id = ?", sid)

    def _read(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with self._reading:
            row: tuple[Any, ...] | None = self._reader.execute(sql, values).fetchone()
            return row

    def _write(self, sql: str, *values: object) -> int:
        with self._writing:
            return self._writer.execute(sql, values).rowcount


def _encrypt(cookie: str, tokens: Tokens) -> bytes:
    return encrypt_tokens(cookie, json.dumps(asdict(tokens)).encode(), tokens.user_id)


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


def sessions_path() -> Path:
    """TALLY_SESSIONS_DB, or sessions.db in Tally's home."""
    return expand_home(Path(os.environ.get("TALLY_SESSIONS_DB") or tally_home() / "sessions.db"))


@cache
def sessions() -> Sessions:
    """The one session store of this process."""
    return Sessions(sessions_path(), auth_client())
