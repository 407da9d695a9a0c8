"""From a request's body to saved records: decoded in a thread, then saved with others of its workspace."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from api.database import PROGRAM, Connection, Pool
from api.rate_limits import RateLimits
from api.saving import Batches
from api.service import Workers
from api.spans import save_traces
from tally.api_keys.verification import Grant
from tally.storage.database import DatabaseError
from tally.telemetry.calls import Call
from tally.telemetry.contents import Contents
from tally.telemetry.counting import choose_calls, parents_of
from tally.telemetry.enclosing import SpanKey, Step
from tally.telemetry.save import Sent, save_telemetry
from tally.telemetry.signals import Span

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Brought:
    """The readable part of a request, and sentences about the rest."""

    calls: Sequence[Call] = ()
    spans: Sequence[Span] = ()
    parents: Mapping[str, str] = field(default_factory=dict)  # where no spans tell them
    steps: Mapping[SpanKey, Step] = field(default_factory=dict)  # what is around calls, likewise
    rejected: Sequence[str] = ()
    remarks: Sequence[str] = ()
    contents: Contents = field(default_factory=dict)  # of spans, where the workspace keeps it

    @property
    def size(self) -> int:
        """The number of items to save."""
        return max(len(self.calls), len(self.spans), len(self.steps))


class Intake:
    """Takes what programs send. `stop` saves what waits."""

    def __init__(self, pool: Pool, readers: Workers, savers: Workers, limits: RateLimits) -> None:
        self._pool, self._readers, self._savers, self._limits = pool, readers, savers, limits
        self._batches: Batches[Sent, list[str]] = Batches(self._save)

    async def take(self, grant: Grant, read: Callable[[], Brought]) -> Brought:
        """Read a request and return once it is saved; raises Undecodable, Refusal or DatabaseError.

        The rejections of the database are among those that are returned.
        """
        brought = await self._readers.run(self._read, grant, read)
        if not brought.size:
            return brought
        sent = Sent(grant, brought.calls, brought.spans, brought.parents, brought.contents, brought.steps)
        refused = await self._batches.add(grant.workspace_id, sent, brought.size)
        if not refused:
            return brought
        return Brought(
            brought.calls, brought.spans, rejected=[*brought.rejected, *refused], remarks=brought.remarks
        )

    async def stop(self) -> None:
        """Save what waits, and take nothing more."""
        await self._batches.stop()

    def _read(self, grant: Grant, read: Callable[[], Brought]) -> Brought:
        brought = read()
        if grant.tokens_per_minute:
            parents = {**parents_of(brought.spans), **brought.parents}
            counted = choose_calls(brought.calls, parents).counted
            self._limits.count_tokens(grant, sum(call.tokens for call in counted if not call.is_sum))
        return brought

    async def _save(self, batch: Sequence[Sent]) -> Sequence[list[str] | Exception]:
        """Save calls and spans side by side: each is most of the work of a connection."""
        outcomes, traced = await asyncio.gather(
            self._savers.run(self._with_connection, save_telemetry, batch, PROGRAM),
            self._savers.run(self._with_connection, save_traces, batch),
        )
        return [
            outcome.error or (each if isinstance(each, DatabaseError) else [*outcome.rejected, *each])
            for outcome, each in zip(outcomes, traced, strict=True)
        ]

    def _with_connection(
        self, save: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._pool.connection() as connection:
            return save(connection, *args, **kwargs)
