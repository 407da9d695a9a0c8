"""kill -9 of the API while a client sends 10,000 calls and tries again: none is lost, none is there twice."""

from collections.abc import Iterator
from typing import Any

import psycopg

from bench.measurement import Measurement, Options, seconds
from tally.api_keys.keys import NewKey, create_key
from tally.storage.postgres import PostgresDatabase
from tests.api.process import ApiProcess
from tests.api.retrying import kill_while_sending
from tests.embedded import temporary_stack
from tests.scratch import temporary_folder
from tests.tally.people import sign_up

CALLS, KILLS = 10_000, 20
SAVED = "select count(*) from public.cost_records"
FOUND = """
select count(*), count(distinct metadata ->> 'span_id') from public.cost_records
union all
select count(*), count(distinct span_id) from public.spans
"""


def measure(options: Options) -> Iterator[Measurement]:
    """Kill the API twenty times, at moments of chance."""
    calls, kills = options.scaled(CALLS), options.scaled(KILLS)
    with (
        temporary_stack(on_disk=True) as stack,
        temporary_folder() as folder,
        ApiProcess(folder, API_DATABASE_URL=stack.settings()["API_DATABASE_URL"]) as api,
        psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection,
    ):
        owner = PostgresDatabase(connection, sign_up(stack).user_id)
        key = create_key(owner, NewKey("bench", requests_per_minute=100_000)).text
        taken = seconds(
            lambda: kill_while_sending(api, key, calls, kills, lambda: _fetch(connection, SAVED)[0][0])
        )
        [records, spans] = _fetch(connection, FOUND)
    for name, (there, different) in {"calls": records, "spans": spans}.items():
        lost, doubled = calls - different, there - different
        about = f"API, kill -9 {kills} times during {calls:,} requests, {name}"
        yield Measurement(f"{about} lost", lost, "", 0, float(lost), 0.0)
        yield Measurement(f"{about} doubled", doubled, "", 0, float(doubled), 0.0)
    yield Measurement("requests of one call taken meanwhile", calls / taken, "/s")


def _fetch(connection: psycopg.Connection[Any], query: str) -> list[tuple[int, ...]]:
    return connection.execute(query).fetchall()
