"""Saving in batches: what the requests of a workspace bring within a moment is saved at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from api.answers import Refusal

FLUSH_ITEMS = 500
LINGER_SECONDS = 0.02  # for a workspace's first request; the next batch gathers while one is saved
MAX_WAITING, MAX_WAITING_OF_ONE = 100_000, 30_000  # items of all workspaces, and of one
AGAIN_AFTER = 2
FULL = "More is waiting to be saved than Tally can take. Send this again in a moment."
ENDED = "Tally is stopping. Send this again in a moment."

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    size: int
    answer: "asyncio.Future[Outcome]"


@dataclass(slots=True)
class _Queue(Generic[Item, Outcome]):
    """The requests of a workspace that wait, and the task that saves them."""

    waiting: "deque[_Waiting[Item, Outcome]]" = field(default_factory=deque)
    size: int = 0  # of those that wait
    held: int = 0  # with those that are being saved
    is_long: asyncio.Event = field(default_factory=asyncio.Event)


class Batches(Generic[Item, Outcome]):
    """Saves requests by workspace: one batch at a time of each, answered when it is saved.

    While a batch is being saved, the next one gathers. `save` returns the outcome of each request in turn, an
    exception where it failed.
    """

    def __init__(
        self,
        save: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._save, self._linger = save, linger
        self._queues: dict[UUID, _Queue[Item, Outcome]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._stopping = asyncio.Event()

    async def add(self, workspace: UUID, item: Item, size: int) -> Outcome:
        """Wait until the request is saved, and return its outcome; raises Refusal when too many wait."""
        if self._stopping.is_set():
            raise Refusal(503, ENDED, AGAIN_AFTER)
        queue = self._queues.get(workspace)
        of_one = queue.held if queue else 0
        if self._held + size > MAX_WAITING or of_one + size > MAX_WAITING_OF_ONE:
            raise Refusal(503, FULL, AGAIN_AFTER)
        if queue is None:
            queue = self._queues[workspace] = _Queue()
            task = asyncio.create_task(self._work_off(workspace, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Waiting(item, size, answer))
        queue.size += size
        queue.held += size
        self._held += size
        if queue.size >= FLUSH_ITEMS:
            queue.is_long.set()
        return await answer

    async def stop(self) -> None:
        """Save what waits, and take nothing more."""
        self._stopping.set()
        for queue in self._queues.values():
            queue.is_long.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _work_off(self, workspace: UUID, queue: _Queue[Item, Outcome]) -> None:
        try:
            await self._gather(queue)
            while queue.waiting:
                await self._save_batch(queue)
        finally:
            del self._queues[workspace]

    async def _gather(self, queue: _Queue[Item, Outcome]) -> None:
        try:
            async with asyncio.timeout(self._linger):
                await queue.is_long.wait()
        except TimeoutError:
            return

    async def _save_batch(self, queue: _Queue[Item, Outcome]) -> None:
        batch = self._take(queue)
        try:
            outcomes = await self._save([each.item for each in batch])
        except Exception as error:
            outcomes = [error] * len(batch)
        size = sum(each.size for each in batch)
        queue.held -= size
        self._held -= size
        for each, outcome in zip(batch, outcomes, strict=True):
            if each.answer.done():  # nobody waits any longer
                continue
            if isinstance(outcome, Exception):
                each.answer.set_exception(outcome)
            else:
                each.answer.set_result(outcome)

    def _take(self, queue: _Queue[Item, Outcome]) -> "list[_Waiting[Item, Outcome]]":
        batch = [queue.waiting.popleft()]
        size = batch[0].size
        while queue.waiting and size + queue.waiting[0].size <= FLUSH_ITEMS:
            batch.append(queue.waiting.popleft())
            size += batch[-1].size
        queue.size -= size
        queue.is_long.clear()
        return batch
