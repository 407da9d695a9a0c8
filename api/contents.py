"""The rules of workspaces that keep what was said in spans, as they were a moment ago."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from api.database import PROGRAM, Pool
from tally.api_keys.verification import Grant
from tally.storage.database import Query, select_first
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.redaction import Redaction

CACHE_SECONDS, MAX_CACHED = 30.0, 10_000
Known = tuple[float, Redaction | None]


class ContentRules:
    """Looks up the rules of a key's workspace. The database keeps nothing of those that switched it off."""

    def __init__(self, pool: Pool, now: Callable[[], float] = time.monotonic) -> None:
        self._pool, self._now = pool, now
        self._known: OrderedDict[UUID, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, grant: Grant) -> Redaction | None:
        """The rules, or None where nothing is kept; raises DatabaseError."""
        now = self._now()
        with self._lock:
            until, rules = self._known.get(grant.workspace_id, (now, None))
        if until > now:
            return rules
        rules = self._ask(grant)
        with self._lock:
            self._known[grant.workspace_id] = now + CACHE_SECONDS, rules
            self._known.move_to_end(grant.workspace_id)
            while len(self._known) > MAX_CACHED:
                self._known.popitem(last=False)
        return rules

    def _ask(self, grant: Grant) -> Redaction | None:
        query = Query("workspaces", "id,content_days,content_words", ["id"], {"id": str(grant.workspace_id)})
        with self._pool.connection() as connection:
            owner = PostgresDatabase(connection, grant.user_id, grant.workspace_id, PROGRAM)
            row = select_first(owner, query)
        return Redaction(tuple(row["content_words"])) if row and row["content_days"] is not None else None
