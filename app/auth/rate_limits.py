"""Rate limits against guessing passwords and codes, in bounded memory."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address

from tally.accounts.auth_client import AuthError
from tally.core.text import plural

MAX_KEYS = 20_000


class TooManyAttempts(AuthError):
    """The limit is reached; `retry_after` is in seconds."""

    def __init__(self, wait_seconds: float) -> None:
        self.retry_after = max(1, math.ceil(wait_seconds))
        super().__init__(
            f"Too many attempts. Try again in {plural(math.ceil(self.retry_after / 60), 'minute')}."
        )


class RateLimit:
    """At most `attempts` per key within `seconds`; the least recently used keys are evicted."""

    def __init__(self, attempts: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._attempts, self._seconds, self._now = attempts, seconds, now
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, key: Hashable) -> None:
        """Count an attempt or raise TooManyAttempts.

        Called before the outcome is known, so that parallel guesses count too.
        """
        with self._lock:
            times, now = self._times.setdefault(key, deque()), self._now()
            self._times.move_to_end(key)
            while times and now - times[0] >= self._seconds:
                times.popleft()
            if len(times) >= self._attempts:
                raise TooManyAttempts(self._seconds - (now - times[0]))
            times.append(now)
            while len(self._times) > MAX_KEYS:
                self._times.popitem(last=False)

    def reset(self, key: Hashable) -> None:
        """Forget all attempts of a key."""
        with self._lock:
            self._times.pop(key, None)

    def refund(self, key: Hashable) -> None:
        """Forget the last attempt of a key."""
        with self._lock:
            if times := self._times.get(key):
                times.pop()


def network(client_host: str | None) -> str:
    """Network that attempts are counted for: the IPv4 address, or the subscriber's IPv6 /64."""
    try:
        address = ip_address(client_host or "")
    except ValueError:
        return client_host or "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


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
