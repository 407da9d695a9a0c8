"""Batches: what arrives while one is saved is saved together, and every request gets its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.answers import Refusal
from api.saving import FLUSH_ITEMS, MAX_WAITING, MAX_WAITING_OF_ONE, Batches

ONE, OTHER = uuid4(), uuid4()


class Store:
    """A database that saves when it is told to, and remembers the batches."""

    def __init__(self) -> None:
        self.saved: list[list[str]] = []
        self.begun: asyncio.Queue[asyncio.Event] = asyncio.Queue()
        self.fails: dict[str, Exception] = {}

    async def save(self, items: Sequence[str]) -> list[str | Exception]:
        self.saved.append(list(items))
        ends = asyncio.Event()
        self.begun.put_nowait(ends)
        await ends.wait()
        if "all" in self.fails:
            raise self.fails["all"]
        return [self.fails.get(item, item.upper()) for item in items]

    async def finish(self) -> None:
        """Let the next batch be saved, as soon as it is begun."""
        (await self.begun.get()).set()


def run(story: Callable[[Store, Batches[str, str]], Awaitable[None]]) -> Store:
    async def tell() -> Store:
        store = Store()
        await asyncio.wait_for(story(store, Batches(store.save, linger=0.01)), 20)
        return store

    return asyncio.run(tell())


def begin(story: Coroutine[Any, Any, str]) -> "asyncio.Task[str]":
    return asyncio.create_task(story)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_requests_of_a_moment_are_saved_together_and_answered_each() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        waiting = [begin(batches.add(ONE, name, 1)) for name in "abc"]
        await settle()
        assert not any(task.done() for task in waiting)
        await store.finish()
        assert [await task for task in waiting] == ["A", "B", "C"]

    assert run(story).saved == [["a", "b", "c"]]


def test_requests_that_arrive_during_a_save_are_the_next_batch() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        first = begin(batches.add(ONE, "a", 1))
        ends = await store.begun.get()
        later = [begin(batches.add(ONE, name, 1)) for name in "bc"]
        await settle()
        assert store.saved == [["a"]], "one batch of a workspace at a time"
        ends.set()
        await store.finish()
        assert [await first, *[await task for task in later]] == ["A", "B", "C"]

    assert run(story).saved == [["a"], ["b", "c"]]


def test_workspaces_do_not_wait_for_one_another() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        slow, quick = begin(batches.add(ONE, "a", 1)), begin(batches.add(OTHER, "b", 1))
        endings = [await store.begun.get() for _ in range(2)]
        endings[1].set()
        done, _ = await asyncio.wait({slow, quick}, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        endings[0].set()
        assert {await slow, await quick} == {"A", "B"}

    assert sorted(run(story).saved) == [["a"], ["b"]]


def test_full_batch_is_saved_without_lingering_and_bigger_ones_alone() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        sizes = {"a": FLUSH_ITEMS - 1, "b": 1, "c": FLUSH_ITEMS * 3, "d": 1}
        waiting = [begin(batches.add(ONE, name, size)) for name, size in sizes.items()]
        for _ in range(3):
            await store.finish()
        assert [await task for task in waiting] == ["A", "B", "C", "D"]

    assert run(story).saved == [["a", "b"], ["c"], ["d"]]


def test_failure_of_one_request_is_not_that_of_its_neighbours() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        store.fails["b"] = Refusal(400, "no")
        waiting = [begin(batches.add(ONE, name, 1)) for name in "abc"]
        await store.finish()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [outcomes[0], outcomes[2]] == ["A", "C"]
        assert outcomes[1] is store.fails["b"]

    run(story)


def test_failure_of_a_save_is_told_to_all_and_the_next_is_tried() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        store.fails["all"] = OSError("away")
        waiting = [begin(batches.add(ONE, name, 1)) for name in "ab"]
        await store.finish()
        assert await asyncio.gather(*waiting, return_exceptions=True) == [store.fails["all"]] * 2
        del store.fails["all"]
        again = begin(batches.add(ONE, "a", 1))
        await store.finish()
        assert await again == "A"

    run(story)


def test_request_that_nobody_waits_for_is_saved_all_the_same() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        left, stays = begin(batches.add(ONE, "a", 1)), begin(batches.add(ONE, "b", 1))
        await settle()
        left.cancel()
        await store.finish()
        assert await stays == "B"

    assert run(story).saved == [["a", "b"]]


@pytest.mark.parametrize(("workspace", "room"), [(ONE, MAX_WAITING_OF_ONE), (None, MAX_WAITING)])
def test_more_than_may_wait_is_to_be_sent_again(workspace: UUID | None, room: int) -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        size = 10_000
        waiting = [begin(batches.add(workspace or uuid4(), "a", size)) for _ in range(room // size)]
        await settle()
        with pytest.raises(Refusal) as refusal:
            await batches.add(workspace or uuid4(), "b", 1)
        assert (refusal.value.status, refusal.value.retry_after) == (503, 2)
        for _ in waiting:
            await store.finish()
        await asyncio.gather(*waiting)
        after = begin(batches.add(workspace or uuid4(), "b", 1))
        await store.finish()
        assert await after == "B"

    run(story)


def test_stopping_saves_what_waits_and_takes_nothing_more() -> None:
    async def story(store: Store, batches: Batches[str, str]) -> None:
        waiting = begin(batches.add(ONE, "a", 1))
        await settle()
        stopping = asyncio.create_task(batches.stop())
        await store.finish()
        await stopping
        assert await waiting == "A"
        with pytest.raises(Refusal) as refusal:
            await batches.add(ONE, "b", 1)
        assert refusal.value.status == 503

    assert run(story).saved == [["a"]]
