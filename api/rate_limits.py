"""Rate limits of keys: requests and tokens a minute, in this process or in Redis for several."""

import logging
import math
import threading
import time
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from api.answers import Refusal
from tally.api_keys.verification import Grant
from tally.core.errors import TallyError

LOG = logging.getLogger(__name__)
REQUESTS_PER_MINUTE = 600  # of keys without a limit of their own
REDIS_SECONDS = 0.25  # to connect or to answer; a slow Redis must not hold requests up
RETRY_SECONDS = 10.0  # a Redis that failed is left alone for so long
NOT_REDIS = "TALLY_REDIS_URL is not an address of Redis such as redis://127.0.0.1:6379."


class RateLimits:
    """Counts what keys do within a sliding minute.

    If Redis fails, each process counts for itself until it answers again.
    """

    def __init__(self, redis_url: str | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = SlidingWindowCounterRateLimiter(_open(redis_url)) if redis_url else None
        self._failed_until = -math.inf

    def count_request(self, grant: Grant) -> None:
        """Count a request, or raise Refusal."""
        most = grant.requests_per_minute or REQUESTS_PER_MINUTE
        self._count("requests", grant, most, 1, f"More than {most:,} requests a minute of this key.")

    def count_tokens(self, grant: Grant, tokens: int) -> None:
        """Count tokens, or raise Refusal. More than the limit allows are as many as it allows."""
        most = grant.tokens_per_minute
        if most and tokens:
            cost = min(tokens, most)
            self._count("tokens", grant, most, cost, f"More than {most:,} tokens a minute of this key.")

    def _count(self, what: str, grant: Grant, most: int, cost: int, refusal: str) -> None:
        item, of = RateLimitItemPerMinute(most, namespace="tally"), (what, str(grant.key_id))

        def attempt(limiter: SlidingWindowCounterRateLimiter) -> float | None:
            if limiter.hit(item, *of, cost=cost):
                return None
            return float(limiter.get_window_stats(item, *of).reset_time) - time.time()

        wait = self._attempt(attempt)
        if wait is not None:
            raise Refusal(429, f"{refusal} Send it again later.", min(60, max(1, math.ceil(wait))))

    def _attempt(self, attempt: Callable[[SlidingWindowCounterRateLimiter], float | None]) -> float | None:
        if self._shared is not None and self._now() >= self._failed_until:
            try:
                return attempt(self._shared)
            except StorageError as error:
                self._give_up_for_a_while(error)
        with self._lock:  # memory that two threads read and write in turn would let one too many through
            return attempt(self._own)

    def _give_up_for_a_while(self, error: StorageError) -> None:
        LOG.warning("Redis does not answer (%s). Each process limits keys for itself.", error.storage_error)
        self._failed_until = self._now() + RETRY_SECONDS


def _open(url: str) -> Storage:
    try:
        storage = storage_from_string(
            url, wrap_exceptions=True, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
    except (ConfigurationError, ValueError):
        raise TallyError(NOT_REDIS) from None
    if not (url.startswith("redis") and isinstance(storage, Storage)):
        raise TallyError(NOT_REDIS)
    return storage
