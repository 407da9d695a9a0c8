"""Sessions in Postgres, which processes on several machines share. Only the database's clock judges."""

from app.auth.session_store import (
    ABSOLUTE_SECONDS,
    HOLD_SECONDS,
    IDLE_SECONDS,
    TOUCH_SECONDS,
    StoredSession,
)
from app.auth.shared_database import SharedDatabase


class PostgresSessions:
    """The functions of `133_web_sessions.sql`, which are all that the role tally_web may call."""

    is_quick = False

    def __init__(self, database: SharedDatabase) -> None:
        self._call = database.call

    def add(self, session_id: str, session: StoredSession) -> None:
        """Keep a new session, and forget those that have ended."""
        lives = (session.token_seconds or 0.0, IDLE_SECONDS, ABSOLUTE_SECONDS)
        self._call("open_web_session", session_id, session.user_id, session.sealed, *lives)

    def bring(
        self, session_id: str, session: StoredSession, age_seconds: float, unseen_seconds: float
    ) -> None:
        """Keep a session of a file, with its age, unless it is here; its next use renews its tokens."""
        lives = (0.0, IDLE_SECONDS, ABSOLUTE_SECONDS, age_seconds, unseen_seconds)
        self._call("open_web_session", session_id, session.user_id, session.sealed, *lives)

    def read(self, session_id: str) -> StoredSession | None:
        """A session that has not ended; its use is noted. One indexed read."""
        row = self._call("read_web_session", session_id, IDLE_SECONDS, ABSOLUTE_SECONDS, TOUCH_SECONDS)
        return StoredSession(str(row[0]), row[1], row[2]) if row else None

    def account_of(self, session_id: str) -> str | None:
        """The user of a session that was not closed. One indexed read."""
        return _text(self._call("account_of_web_session", session_id))

    def hold(self, session_id: str, holder: str) -> bool:
        """Take the right to renew a session's tokens for a while, across threads and processes."""
        return self._call("hold_web_session", session_id, holder, HOLD_SECONDS) == (True,)

    def release(self, session_id: str, holder: str) -> None:
        """Give the right back."""
        self._call("release_web_session", session_id, holder)

    def renew(self, session_id: str, session: StoredSession) -> bool:
        """Keep renewed tokens; false if the session was closed."""
        seconds = session.token_seconds or 0.0
        return self._call("renew_web_session", session_id, session.sealed, seconds) == (True,)

    def remove(self, session_id: str) -> None:
        """Forget a session."""
        self._call("close_web_session", session_id)

    def remove_all(self, user_id: str, kept: str | None) -> int:
        """Forget the sessions of a user except one; returns their number."""
        row = self._call("close_web_sessions", user_id, kept)
        return int(row[0]) if row else 0

    def last_workspace(self, user_id: str) -> str | None:
        """The workspace that a user chose last, unless it was the personal one. One indexed read."""
        return _text(self._call("last_workspace", user_id))

    def save_last_workspace(self, user_id: str, workspace_id: str | None) -> None:
        """Remember the workspace that a user chose; None for the personal one."""
        self._call("save_last_workspace", user_id, workspace_id)


def _text(row: tuple[object, ...] | None) -> str | None:
    return str(row[0]) if row and row[0] is not None else None
