"""Rate limits in bounded memory."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address

from tally.core.errors import TallyError
from tally.core.text import plural

MAX_KEYS = 20_000


class TooManyAttempts(TallyError):
    """The limit is reached; `retry_after` is in seconds."""

    def __init__(self, wait_seconds: float) -> None:
        self.retry_after = max(1, math.ceil(wait_seconds))
        super().__init__(
            f"Too many attempts. Try again in {plural(math.ceil(self.retry_after / 60), 'minute')}."
        )


class RateLimit:
    """At most `attempts` per key within `seconds`; the least recently used keys are evicted."""

    refusal: type[TooManyAttempts] = TooManyAttempts

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
                raise self.refusal(self._seconds - (now - times[0]))
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
