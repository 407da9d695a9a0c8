"""Rate limits against guessing passwords and codes."""

from tally.accounts.auth_client import AuthError
from tally.core import rate_limits
from tally.core.rate_limits import network as network


class TooManyAttempts(rate_limits.TooManyAttempts, AuthError):
    """The limit is reached; `retry_after` is in seconds."""


class RateLimit(rate_limits.RateLimit):
    """At most `attempts` per key within `seconds`."""

    refusal = TooManyAttempts


class FormLimits:
    """Limits of one form: per email and network, per network, and (much wider) per email.

    The narrow limit needs both, so that strangers cannot lock the owner out of an account.
    """

    def __init__(
        self, attempts: int, network_attempts: int, email_attempts: int = 500, seconds: float = 300
    ) -> None:
        self._pairs = RateLimit(attempts, seconds)
        self._networks = RateLimit(network_attempts, seconds)
        self._emails = RateLimit(email_attempts, seconds)

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


SIGN_INS = FormLimits(attempts=8, network_attempts=60)
SIGN_UPS = FormLimits(attempts=8, network_attempts=40)
CODES_SENT = FormLimits(attempts=3, network_attempts=30, email_attempts=10)
# There are a million codes, each valid for an hour: with 15 guesses, one attack in 66,000 succeeds.
CODES_TRIED = FormLimits(attempts=6, network_attempts=30, email_attempts=15, seconds=3600)
# Tokens cannot be guessed; this bounds the work. A company may join from one network.
INVITATIONS = RateLimit(attempts=200, seconds=300)
LINKS = RateLimit(attempts=200, seconds=300)
# One click in a mail program is sent by its provider's servers, for many people from one network.
UNSUBSCRIBING = RateLimit(attempts=2_000, seconds=300)
PASSWORD_CHANGES = RateLimit(attempts=8, seconds=300)
