"""Rate limits of keys: requests and tokens a minute, in this process, or for several in Redis or Postgres."""

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg
from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from api.answers import Refusal
from tally.api_keys.verification import Grant
from tally.core.errors import TallyError
from tally.storage.database import DatabaseError

LOG = logging.getLogger(__name__)
REQUESTS_PER_MINUTE = 600  # of keys without a limit of their own
REDIS_SECONDS = 0.25  # to connect or to answer; a slow Redis must not hold requests up
RETRY_SECONDS = 10.0  # a Redis that failed is left alone for so long
NOT_REDIS = "TALLY_REDIS_URL is not an address of Redis such as redis://127.0.0.1:6379."


Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
COUNTER_FAILED = (StorageError, DatabaseError, psycopg.Error)


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a key that is about to be made, and the most that is allowed within a minute."""

    unit: Literal["requests", "tokens"]
    key_id: UUID
    most: int
    cost: int


class Counter(Protocol):
    """Counts use within a sliding minute."""

    def count(self, use: Use) -> float | None:
        """Count it; the seconds to wait where it would be too much. Raises an error of COUNTER_FAILED."""


class RateLimits:
    """Counts what keys do within a sliding minute.

    If Redis or the database fails, each process counts for itself until it answers again.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        now: Callable[[], float] = time.monotonic,
        connect: Connect | None = None,
    ) -> None:
        self._now = now
        self._own: Counter = SlidingWindow(MemoryStorage())
        self._shared: Counter | None = None
        if redis_url:
            self._shared = SlidingWindow(_open(redis_url))
        elif connect:
            self._shared = DatabaseCounter(connect)
        self._failed_until = -math.inf

    def count_request(self, grant: Grant) -> None:
        """Count a request, or raise Refusal."""
        most = grant.requests_per_minute or REQUESTS_PER_MINUTE
        refusal = f"More than {most:,} requests a minute of this key."
        self._count(Use("requests", grant.key_id, most, 1), refusal)

    def count_tokens(self, grant: Grant, tokens: int) -> None:
        """Count tokens, or raise Refusal. More than the limit allows are as many as it allows."""
        most = grant.tokens_per_minute
        if most and tokens:
            refusal = f"More than {most:,} tokens a minute of this key."
            self._count(Use("tokens", grant.key_id, most, min(tokens, most)), refusal)

    def _count(self, use: Use, refusal: str) -> None:
        wait = self._attempt(use)
        if wait is not None:
            raise Refusal(429, f"{refusal} Send it again later.", min(60, max(1, math.ceil(wait))))

    def _attempt(self, use: Use) -> float | None:
        if self._shared is not None and self._now() >= self._failed_until:
            try:
                return self._shared.count(use)
            except COUNTER_FAILED as error:
                self._give_up_for_a_while(error)
        return self._own.count(use)

    def _give_up_for_a_while(self, error: Exception) -> None:
        reason = error.storage_error if isinstance(error, StorageError) else error
        where = "Redis" if isinstance(self._shared, SlidingWindow) else "The database"
        LOG.warning("%s does not answer (%s). Each process limits keys for itself.", where, reason)
        self._failed_until = self._now() + RETRY_SECONDS


class SlidingWindow:
    """Counts in memory or in Redis."""

    def __init__(self, storage: Storage) -> None:
        self._limiter, self._lock = SlidingWindowCounterRateLimiter(storage), threading.Lock()
        self._is_own = isinstance(storage, MemoryStorage)

    def count(self, use: Use) -> float | None:
        """Count it, or return the seconds to wait."""
        # Memory that two threads read and write in turn would let one too many through.
        with self._lock if self._is_own else nullcontext():
            item, of = RateLimitItemPerMinute(use.most, namespace="tally"), (use.unit, str(use.key_id))
            if self._limiter.hit(item, *of, cost=use.cost):
                return None
            return float(self._limiter.get_window_stats(item, *of).reset_time) - time.time()


class DatabaseCounter:
    """Counts in Postgres, by its clock."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def count(self, use: Use) -> float | None:
        """Count it, or return the seconds to wait."""
        query = "select private.count_key_use(%s, %s, %s, %s)"
        with self._connect() as connection:
            [wait] = connection.execute(query, [use.key_id, use.unit, use.most, use.cost]).fetchone() or [
                None
            ]
            return None if wait is None else float(wait)


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
