"""The place of browsers' sessions: an SQLite file of one process, or a table that several share."""

from dataclasses import dataclass, field
from typing import Protocol

from tally.accounts.auth_client import AuthUnreachable
from tally.core.errors import TallyError

IDLE_SECONDS = 7 * 86_400
ABSOLUTE_SECONDS = 30 * 86_400
TOUCH_SECONDS = 300  # accuracy of when a session was used last, which is not written on every request
HOLD_SECONDS = 30.0  # longer than any upstream call; after a crash, others can refresh again once it is over


class StoreUnreachable(AuthUnreachable):
    """The shared store does not answer; sessions in it are still valid."""

    def __init__(self) -> None:
        TallyError.__init__(self, "Tally cannot reach its session store. Wait a moment, then try again.")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A live session as it is kept. Its tokens are encrypted for its cookie."""

    user_id: str
    sealed: bytes = field(repr=False)
    token_seconds: float | None = None  # until its access token ends; None where that is known by this clock


class SessionStore(Protocol):
    """Keeps sessions by their ids. Lifetimes and holds are judged by the store's clock alone.

    Another machine's clock may be wrong by a minute: no decision compares two of them.
    """

    is_quick: bool  # answers within a fraction of a millisecond, so that the event loop may ask it

    def add(self, session_id: str, session: StoredSession) -> None:
        """Keep a new session, and forget those that have ended."""

    def read(self, session_id: str) -> StoredSession | None:
        """A session that has not ended; its use is noted."""

    def account_of(self, session_id: str) -> str | None:
        """The user of a session that was not closed."""

    def hold(self, session_id: str, holder: str) -> bool:
        """Take the right to renew a session's tokens for a while, across threads and processes."""

    def release(self, session_id: str, holder: str) -> None:
        """Give the right back."""

    def renew(self, session_id: str, session: StoredSession) -> bool:
        """Keep renewed tokens; false if the session was closed."""

    def remove(self, session_id: str) -> None:
        """Forget a session."""

    def remove_all(self, user_id: str, kept: str | None) -> int:
        """Forget the sessions of a user except one; returns their number."""

    def last_workspace(self, user_id: str) -> str | None:
        """The workspace that a user chose last, unless it was the personal one."""

    def save_last_workspace(self, user_id: str, workspace_id: str | None) -> None:
        """Remember the workspace that a user chose; None for the personal one."""
