"""Rate limits against guessing passwords and codes, counted by all processes together."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import cache
from hashlib import sha256

from app.auth.session_store import StoreUnreachable
from app.auth.shared_database import SharedDatabase, shared_database
from tally.accounts.auth_client import AuthError
from tally.core import rate_limits
from tally.core.rate_limits import network as network
from tally.serving.settings import load_serving_settings


class TooManyAttempts(rate_limits.TooManyAttempts, AuthError):
    """The limit is reached; `retry_after` is in seconds."""


class _OwnLimit(rate_limits.RateLimit):
    refusal = TooManyAttempts


@cache
def find_shared() -> SharedDatabase | None:
    """The database in which several processes count together; None for one process."""
    return shared_database() if load_serving_settings().are_several else None


class RateLimit:
    """At most `attempts` per key within `seconds`; `name` tells limits apart.

    While the shared database does not answer, each process counts for itself: nobody is locked out, and a
    guesser gets the limit of each process at most.
    """

    def __init__(
        self,
        name: str,
        attempts: int,
        seconds: float,
        shared: Callable[[], SharedDatabase | None] = find_shared,
    ) -> None:
        self._name, self._attempts, self._seconds, self._shared = name, attempts, seconds, shared
        self._own = _OwnLimit(attempts, seconds)

    def count(self, key: Hashable) -> None:
        """Count an attempt or raise TooManyAttempts."""
        shared = self._shared()
        if shared is None:
            self._own.count(key)
            return
        try:
            row = shared.call("count_attempt", self._bucket(key), self._attempts, self._seconds)
        except StoreUnreachable:
            self._own.count(key)
            return
        if row and row[0] is not None:
            raise TooManyAttempts(row[0])

    def reset(self, key: Hashable) -> None:
        """Forget all attempts of a key."""
        self._own.reset(key)
        self._forget(key, only_last=False)

    def refund(self, key: Hashable) -> None:
        """Forget the last attempt of a key."""
        self._own.refund(key)
        self._forget(key, only_last=True)

    def _forget(self, key: Hashable, only_last: bool) -> None:
        if (shared := self._shared()) is not None:
            with suppress(StoreUnreachable):
                shared.call("forget_attempts", self._bucket(key), only_last)

    def _bucket(self, key: Hashable) -> bytes:
        return sha256(repr((self._name, key)).encode()).digest()


class FormLimits:
    """Limits of one form: per email and network, per network, and (much wider) per email.

    The narrow limit needs both, so that strangers cannot lock the owner out of an account.
    """

    def __init__(
        self,
        name: str,
        attempts: int,
        network_attempts: int,
        email_attempts: int = 500,
        seconds: float = 300,
    ) -> None:
        self._pairs = RateLimit(f"{name} by both", attempts, seconds)
        self._networks = RateLimit(f"{name} by network", network_attempts, seconds)
        self._emails = RateLimit(f"{name} by email", email_attempts, seconds)

    def count(self, host: str | None, email: str) -> None:
        """Count an attempt or raise TooManyAttempts."""
        self._pairs.count((network(host), email))
        self._networks.count(network(host))
        self._emails.count(email)

    def forgive(self, host: str | None, email: str) -> None:
        """Uncount a successful attempt, and earlier failures of this email on this network."""
        self._pairs.reset((network(host), email))
        self._networks.refund(network(host))
        self._emails.refund(email)

    def forget_unjudged(self, email: str) -> None:
        """Uncount an attempt that was not compared, or strangers could use up the limit of an email."""
        self._emails.refund(email)


SIGN_INS = FormLimits("sign ins", attempts=8, network_attempts=60)
SIGN_UPS = FormLimits("sign ups", attempts=8, network_attempts=40)
CODES_SENT = FormLimits("codes sent", attempts=3, network_attempts=30, email_attempts=10)
# There are a million codes, each valid for an hour: with 15 guesses, one attack in 66,000 succeeds.
CODES_TRIED = FormLimits("codes tried", attempts=6, network_attempts=30, email_attempts=15, seconds=3600)
# Tokens cannot be guessed; this bounds the work. A company may join from one network.
INVITATIONS = RateLimit("invitations", attempts=200, seconds=300)
LINKS = RateLimit("links", attempts=200, seconds=300)
# One click in a mail program is sent by its provider's servers, for many people from one network.
UNSUBSCRIBING = RateLimit("unsubscribing", attempts=2_000, seconds=300)
PASSWORD_CHANGES = RateLimit("password changes", attempts=8, seconds=300)
