"""Sessions of browsers: their tokens are encrypted with a key from the cookie, and renewed when they end.

A stolen store yields neither cookies nor tokens. Nothing about a session is held in memory: it survives a
restart, and several processes may share the store.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from app.auth.postgres_sessions import PostgresSessions
from app.auth.session_keys import COOKIE_LENGTH, decrypt_tokens, encrypt_tokens, new_cookie, session_id
from app.auth.session_store import HOLD_SECONDS, SessionStore, StoredSession
from app.auth.shared_database import shared_database
from app.auth.sqlite_sessions import SqliteSessions
from tally.accounts.auth_client import AuthClient, AuthRefused, AuthUnreachable, Tokens, auth_client
from tally.core.paths import expand_home, tally_home
from tally.secrets.envelope import EnvelopeError
from tally.serving.settings import load_serving_settings

REFRESH_MARGIN_SECONDS = 60  # an access token is renewed this long before it expires
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A live session, without its secrets."""

    session_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """Decrypted tokens, and the seconds for which the access token is still valid."""

    tokens: Tokens = field(repr=False)
    seconds: float


class Sessions:
    """The sessions of a store. `now` says when tokens end that were just received, or are in a file."""

    def __init__(
        self, store: SessionStore, upstream: AuthClient, now: Callable[[], float] = time.time
    ) -> None:
        self._store, self._upstream, self._now = store, upstream, now

    def open(self, tokens: Tokens) -> str:
        """Begin a session and return its cookie: always a new one, to prevent session fixation."""
        cookie = new_cookie()
        self._store.add(session_id(cookie), self._seal(cookie, tokens))
        return cookie

    def find(self, cookie: str | None) -> LiveSession | None:
        """The live session of a cookie, or None. One indexed read."""
        if not _is_cookie(cookie):
            return None
        sid = session_id(cookie or "")
        stored = self._store.read(sid)
        return LiveSession(sid, stored.user_id) if stored else None

    async def look_up(self, cookie: str | None) -> LiveSession | None:
        """The same for the event loop, which does not wait for a shared store."""
        if self._store.is_quick or not _is_cookie(cookie):
            return self.find(cookie)
        return await run_in_threadpool(self.find, cookie)

    def user_of(self, sid: str) -> str | None:
        """The user of a session that has not been closed. One indexed read."""
        return self._store.account_of(sid)

    def tokens(self, cookie: str | None) -> Tokens | None:
        """Tokens that are valid for another minute, renewed if needed; None when the session has ended.

        Raises AuthUnreachable, and keeps the session, when they cannot be renewed now.
        """
        if cookie is None or not _is_cookie(cookie):
            return None
        sid, deadline = session_id(cookie), time.monotonic() + HOLD_SECONDS
        holder = str(uuid4())
        while (kept := self._load_tokens(cookie, sid)) is not None:
            if kept.seconds > REFRESH_MARGIN_SECONDS:
                return kept.tokens
            if self._store.hold(sid, holder):
                return self._refresh(cookie, sid, holder)
            if time.monotonic() > deadline:
                raise AuthUnreachable
            time.sleep(POLL_SECONDS)
        return None

    def close(self, cookie: str | None) -> None:
        """End a session here and, if it can be reached, at Supabase."""
        if cookie is None or not _is_cookie(cookie):
            return
        kept = self._load_tokens(cookie, session_id(cookie))
        self._store.remove(session_id(cookie))
        if kept is not None:
            self._revoke(kept)

    def close_all(self, user_id: str, keep: str | None = None) -> int:
        """End every session of a user except `keep`; returns their number."""
        return self._store.remove_all(user_id, keep)

    def last_workspace(self, user_id: str) -> str | None:
        """The workspace that a user chose last, unless it was the personal one. One indexed read."""
        return self._store.last_workspace(user_id)

    async def look_up_workspace(self, user_id: str) -> str | None:
        """The same for the event loop."""
        if self._store.is_quick:
            return self.last_workspace(user_id)
        return await run_in_threadpool(self.last_workspace, user_id)

    def save_last_workspace(self, user_id: str, workspace_id: str | None) -> None:
        """Remember the workspace that a user chose; None for the personal one."""
        self._store.save_last_workspace(user_id, workspace_id)

    def _seal(self, cookie: str, tokens: Tokens) -> StoredSession:
        sealed = encrypt_tokens(cookie, json.dumps(asdict(tokens)).encode(), tokens.user_id)
        return StoredSession(tokens.user_id, sealed, tokens.expires_at - self._now())

    def _load_tokens(self, cookie: str, sid: str) -> _Kept | None:
        stored = self._store.read(sid)
        if stored is None:
            return None
        try:
            tokens = Tokens(**json.loads(decrypt_tokens(cookie, stored.sealed, stored.user_id)))
        except (EnvelopeError, ValueError, TypeError):  # damaged or tampered with
            self._store.remove(sid)
            return None
        seconds = stored.token_seconds
        return _Kept(tokens, tokens.expires_at - self._now() if seconds is None else seconds)

    def _refresh(self, cookie: str, sid: str, holder: str) -> Tokens | None:
        try:
            kept = self._load_tokens(cookie, sid)  # the last holder may have refreshed
            if kept is None:
                return None
            return kept.tokens if kept.seconds > REFRESH_MARGIN_SECONDS else self._renew(cookie, sid, kept)
        finally:
            self._store.release(sid, holder)

    def _renew(self, cookie: str, sid: str, kept: _Kept) -> Tokens | None:
        try:
            fresh = self._upstream.refresh(kept.tokens.refresh_token)
        except AuthRefused as refused:
            if not refused.ends_session:
                raise AuthUnreachable from None
            self._store.remove(sid)
            return None
        except AuthUnreachable:
            if kept.seconds > 0:
                return kept.tokens
            raise
        sealed = self._seal(cookie, fresh)
        if not self._store.renew(sid, sealed):
            self._revoke(
                _Kept(fresh, sealed.token_seconds or 0)
            )  # signed out while the refresh was under way
            return None
        return fresh

    def _revoke(self, kept: _Kept) -> None:
        tokens = kept.tokens
        with contextlib.suppress(AuthRefused, AuthUnreachable):
            if kept.seconds <= 5:  # signing out upstream needs a valid access token
                tokens = self._upstream.refresh(tokens.refresh_token)
            self._upstream.sign_out(tokens.access_token)


def _is_cookie(cookie: str | None) -> bool:
    return cookie is not None and len(cookie) == COOKIE_LENGTH


def sessions_path() -> Path:
    """TALLY_SESSIONS_DB, or sessions.db in Tally's home."""
    return expand_home(Path(os.environ.get("TALLY_SESSIONS_DB") or tally_home() / "sessions.db"))


@cache
def sessions() -> Sessions:
    """The one session store of this process; raises TallyError for settings that cannot be meant."""
    if load_serving_settings().are_several:
        return Sessions(PostgresSessions(shared_database()), auth_client())
    return Sessions(SqliteSessions(sessions_path()), auth_client())
