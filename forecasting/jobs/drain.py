"""The end of a nightly run without a worker, as cron starts it: what waits in the queue is done once."""

import asyncio
from datetime import datetime, timedelta
from time import time

from procrastinate.worker import Worker as Fetcher

from forecasting.jobs.putting import put
from forecasting.jobs.queue import load_tasks, open_queue, queue
from forecasting.jobs.reforecasting import LANES, Lanes
from forecasting.jobs.schema import install_schema
from forecasting.jobs.surroundings import KEY, Surroundings
from forecasting.jobs.watch import WATCHED
from forecasting.nightly.database import connect

PROGRAMS = {"nightly", "backup"}  # which is what has just run, and is for one machine


def drain(database_url: str) -> None:
    """Do once what a worker does again and again."""
    with connect(database_url) as connection:
        install_schema(connection)
    asyncio.run(_drain(database_url))


async def _drain(database_url: str) -> None:
    never = datetime.now().astimezone() + timedelta(days=365)
    surroundings = Surroundings(database_url, started_at=never)
    lanes = Lanes(surroundings)
    async with open_queue(database_url):
        queues = load_tasks()
        for task, _ in queue.periodic_registry.periodic_tasks:
            if task not in PROGRAMS:
                await put(task, timestamp=int(time()))
        for task in ("fold", *WATCHED):
            await put(task)
        fetcher = Fetcher(
            queue,
            queues=sorted(queues),
            wait=False,
            delete_jobs="always",
            additional_context={KEY: surroundings, LANES: lanes},
            install_signal_handlers=False,
        )
        try:
            await fetcher.run()  # type: ignore[no-untyped-call]
        finally:
            await lanes.close()
