"""Putting jobs into the queue."""

from contextlib import suppress
from typing import Any

from procrastinate.exceptions import AlreadyEnqueued

from forecasting.jobs.queue import queue as the_queue
from forecasting.jobs.queue import queue_of


async def put(task: str, queue: str | None = None, one_of: str = "", **arguments: Any) -> None:
    """Put a job into the queue unless the same waits there; of the same, one runs at a time.

    `one_of` tells jobs of a task apart, such as the workspace that they are about.
    """
    key = f"{task} {one_of}".strip()
    with suppress(AlreadyEnqueued):
        job = the_queue.configure_task(
            task, allow_unknown=False, lock=key, queueing_lock=key, queue=queue or queue_of(task)
        )
        await job.defer_async(**arguments)
