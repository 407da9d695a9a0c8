"""Slow down guessing: a limited number of tries in a stretch of time, in bounded memory."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address

MAX_KEYS = 20_000


class TooManyTries(Exception):
    """The limit is reached; the text says when to try again."""

    def __init__(self, wait_seconds: float) -> None:
        self.retry_after = max(1, math.ceil(wait_seconds))
        minutes = math.ceil(self.retry_after / 60)
        when = (
            f"{self.retry_after} seconds"
            if self.retry_after < 60
            else f"{minutes} minute{'s' * (minutes > 1)}"
        )
        super().__init__(f"Too many tries. Try again in {when}.")


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
        """Forget a key's tries: the last one succeeded."""
        with self._lock:
            self._seen.pop(key, None)


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


PASSWORD_CHANGES = Throttle(tries=8, seconds=300)
