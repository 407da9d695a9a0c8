"""Verification of the keys that programs send, with a short cache and a limit against guessing."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from tally.api_keys.key_text import hash_key, is_key_text
from tally.core.rate_limits import RateLimit, network
from tally.storage.database import DatabaseError
from tally.storage.postgres import describe_failure

CACHE_SECONDS = 30.0  # a revoked key stops working within them
MAX_CACHED = 10_000
TOUCH_SECONDS = 60.0
# Keys that nobody knows, by network. A program with a revoked key asks the database 10 times in this time.
FAILURES, FAILURE_SECONDS = 60, 300.0

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of a verified key: it acts for its owner in one workspace."""

    key_id: UUID
    user_id: UUID
    workspace_id: UUID
    project_id: UUID | None
    name: str
    scopes: frozenset[str]
    requests_per_minute: int | None
    tokens_per_minute: int | None


@dataclass(slots=True)
class _Known:
    """A key that was verified. It stays known after its time, and is then verified again."""

    grant: Grant
    until: float
    touched: float


class Verifier:
    """Verifies keys over the operator's connection. Safe to use from several threads.

    `connect` gives a connection in autocommit, as `connect_operator` or the `connection` of a pool does.
    """

    def __init__(self, connect: Connect, now: Callable[[], float] = time.monotonic) -> None:
        self._connect, self._now = connect, now
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._failures = RateLimit(FAILURES, FAILURE_SECONDS, now)
        self._lock = threading.Lock()

    def verify(self, text: str, client_host: str | None = None) -> Grant | None:
        """The rights of a key, or None for one that does not work.

        Raises TooManyAttempts for keys that were never seen, from a network that sent many of them, and
        DatabaseError. Keys that worked before are never limited: others may share their network.
        """
        if not is_key_text(text):
            return None
        digest = hash_key(text)
        now = self._now()
        with self._lock:
            known = self._known.get(digest)
            if known is None and self._unknown.get(digest, now) > now:
                return None
        if known is not None and known.until > now:
            self._touch(known, now)
            return known.grant
        where = network(client_host)
        if known is None:
            self._failures.count(where)
        try:
            grant = self._ask(digest)
        except DatabaseError:
            if known is None:
                self._failures.refund(where)  # it may be a good one
            raise
        if grant is None:
            self._forget(digest, now)
            return None
        if known is None:
            self._failures.refund(where)
        self._touch(self._remember(digest, grant, now), now)
        return grant

    def _ask(self, digest: bytes) -> Grant | None:
        query = """select key_id, user_id, workspace_id, project_id, name, scopes, requests_per_minute,
                tokens_per_minute
            from private.verify_api_key(%s)"""
        try:
            with self._connect() as connection, connection.cursor(row_factory=tuple_row) as cursor:
                found = cursor.execute(query, [digest]).fetchone()
        except psycopg.Error as error:
            raise describe_failure(error) from error
        if found is None:
            return None
        key_id, user_id, workspace_id, project_id, name, scopes, requests, tokens = found
        return Grant(key_id, user_id, workspace_id, project_id, name, frozenset(scopes), requests, tokens)

    def _remember(self, digest: bytes, grant: Grant, now: float) -> _Known:
        with self._lock:
            earlier = self._known.get(digest)
            touched = earlier.touched if earlier else now - TOUCH_SECONDS
            known = self._known[digest] = _Known(grant, now + CACHE_SECONDS, touched)
            self._known.move_to_end(digest)
            self._unknown.pop(digest, None)
            while len(self._known) > MAX_CACHED:
                self._known.popitem(last=False)
            return known

    def _forget(self, digest: bytes, now: float) -> None:
        with self._lock:
            self._known.pop(digest, None)
            self._unknown[digest] = now + CACHE_SECONDS
            self._unknown.move_to_end(digest)
            while len(self._unknown) > MAX_CACHED:
                self._unknown.popitem(last=False)

    def _touch(self, known: _Known, now: float) -> None:
        """Note the use, once a minute; a use that cannot be noted is a use all the same."""
        with self._lock:
            if now - known.touched < TOUCH_SECONDS:
                return
            known.touched = now
        try:
            with self._connect() as connection:
                connection.execute("select private.touch_api_key(%s)", [known.grant.key_id])
        except (psycopg.Error, DatabaseError):
            return
