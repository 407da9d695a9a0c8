"""The watch on the database: cheap looks at tables, and jobs for what there is to do."""

import asyncio
from contextlib import suppress

import psycopg
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from forecasting.jobs.folding import NEWEST_MARK, Debounce
from forecasting.jobs.surroundings import Surroundings
from tally.notifications.due import IS_DUE

APPLICATION_NAME = "tally watch"


async def watch(surroundings: Surroundings, queue: App) -> None:
    """Look again and again, until the connection is lost."""
    debounce = Debounce()
    async with await psycopg.AsyncConnection.connect(
        surroundings.database_url, application_name=APPLICATION_NAME, autocommit=True, connect_timeout=5
    ) as connection:
        while True:
            cursor = await connection.execute(NEWEST_MARK)
            newest = await cursor.fetchone()
            if debounce.is_due(newest[0] if newest else None):
                await put(queue, "fold")
            if (await connection.execute(IS_DUE)).rowcount:
                await put(queue, "deliver")
            await asyncio.sleep(surroundings.check_seconds)


async def put(queue: App, task: str) -> None:
    """Put a job into the queue unless the same waits there already."""
    with suppress(AlreadyEnqueued):
        await queue.configure_task(task, allow_unknown=False).defer_async()
