"""Slow down guessing: a limited number of tries in a stretch of time, in bounded memory."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address

from tally.accounts.auth_client import AuthError

MAX_KEYS = 20_000


class TooManyTries(AuthError):
    """The limit is reached; the text says when to try again."""

    def __init__(self, wait_seconds: float) -> None:
        self.retry_after = max(1, math.ceil(wait_seconds))
        minutes = math.ceil(self.retry_after / 60)
        super().__init__(f"Too many tries. Try again in {minutes} minute{'s' if minutes > 1 else ''}.")


class Throttle:
    """At most `tries` per key in any `seconds`; when memory is full the longest unused key is forgotten."""

    def __init__(self, tries: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._tries, self._seconds, self._now = tries, seconds, now
        self._seen: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, key: Hashable) -> None:
        """Count a try, before its outcome is known so that parallel guesses count too; raise TooManyTries."""
        with self._lock:
            tries, now = self._seen.setdefault(key, deque()), self._now()
            self._seen.move_to_end(key)
            while tries and now - tries[0] >= self._seconds:
                tries.popleft()
            if len(tries) >= self._tries:
                raise TooManyTries(self._seconds - (now - tries[0]))
            tries.append(now)
            while len(self._seen) > MAX_KEYS:
                self._seen.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Forget all of a key's tries."""
        with self._lock:
            self._seen.pop(key, None)

    def refund(self, key: Hashable) -> None:
        """Take back a key's last try."""
        with self._lock:
            if tries := self._seen.get(key):
                tries.pop()


def network(client_host: str | None) -> str:
    """The address that tries are counted under: an IPv6 subscriber owns a whole /64."""
    try:
        address = ip_address(client_host or "")
    except ValueError:
        return client_host or "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


class Door:
    """One form's limits: a person at one network, one network, and (far wider) one person from anywhere.

    The narrow limit is on email and network together, so nobody can lock a stranger out of their account.
    """

    def __init__(self, tries: int, network_tries: int, person_tries: int = 500, seconds: float = 300) -> None:
        self._pairs = Throttle(tries, seconds)
        self._networks = Throttle(network_tries, seconds)
        self._people = Throttle(person_tries, seconds)

    def admit(self, host: str | None, email: str) -> None:
        """Count a try, or raise TooManyTries."""
        self._pairs.admit((network(host), email))
        self._networks.admit(network(host))
        self._people.admit(email)

    def forgive(self, host: str | None, email: str) -> None:
        """The try succeeded: it does not count, and neither do this person's earlier ones at this network."""
        self._pairs.forgive((network(host), email))
        self._networks.refund(network(host))
        self._people.refund(email)


SIGN_INS = Door(tries=8, network_tries=60)
SIGN_UPS = Door(tries=8, network_tries=40)
CODES_SENT = Door(tries=3, network_tries=30, person_tries=10)
# A code has a million values and lives an hour: 50 guesses from anywhere succeed once in 20,000 tries.
CODES_TRIED = Door(tries=6, network_tries=30, person_tries=50, seconds=3600)
PASSWORD_CHANGES = Throttle(tries=8, seconds=300)
