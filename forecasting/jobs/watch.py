"""The watch on the database: cheap looks at tables, and jobs for what there is to do."""

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg

from forecasting.jobs.debounce import Debounce
from forecasting.jobs.folding import NEWEST_MARK
from forecasting.jobs.putting import put
from forecasting.jobs.reforecasting import Lanes
from forecasting.jobs.surroundings import Surroundings
from tally.analytics.due import SHIPPING_IS_DUE
from tally.notifications.due import IS_DUE
from tally.storage.idle import end_idle_transactions_async

APPLICATION_NAME = "tally watch"
BEAT_SECONDS = 30.0

# Tasks, each with a query that finds a row when there is something to do.
WATCHED: dict[str, str] = {"deliver": IS_DUE, "ship": SHIPPING_IS_DUE}

BEAT = """
with gone as (
    delete from private.worker_seen as w
    where w.seen_at < now() - interval '1 hour' and w.worker <> %(worker)s
)
insert into private.worker_seen (worker, seen_at) values (%(worker)s, now())
on conflict (worker) do update set seen_at = excluded.seen_at"""
GOODBYE = "delete from private.worker_seen where worker = %(worker)s"


async def watch(surroundings: Surroundings, lanes: Lanes) -> None:
    """Look again and again, until the connection is lost."""
    folding: Debounce[None] = Debounce(surroundings.pace)
    beat_at, own = 0.0, {"worker": uuid4()}
    async with await psycopg.AsyncConnection.connect(
        surroundings.database_url, application_name=APPLICATION_NAME, autocommit=True, connect_timeout=5
    ) as connection:
        await end_idle_transactions_async(connection)
        try:
            while True:
                if monotonic() >= beat_at:
                    await connection.execute(BEAT, own)
                    beat_at = monotonic() + BEAT_SECONDS
                await _look(connection, folding, lanes)
                await asyncio.sleep(surroundings.pace.check_seconds)
        finally:
            if not connection.closed:
                await connection.execute(GOODBYE, own)


async def _look(connection: psycopg.AsyncConnection[Any], folding: Debounce[None], lanes: Lanes) -> None:
    newest = await (await connection.execute(NEWEST_MARK)).fetchone()
    if folding.take({None: newest[0]} if newest else {}, monotonic()):
        await put("fold")
    await lanes.look(connection)
    for task, query in WATCHED.items():
        if (await connection.execute(query)).rowcount:
            await put(task)
