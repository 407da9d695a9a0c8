"""The size of Postgres after a month of 1,000,000 records a day that stay for 7 days, against day 8."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.archive import BATCH
from bench.measurement import Measurement, Options
from bench.schemas import make_schema
from tally.archive.leaving import Leaving
from tally.archive.storage import open_storage
from tally.archive.stretch import Stretch
from tally.archive.upkeep import archive_one
from tests.database.cluster import Cluster
from tests.database_fixtures import add_user, make_months
from tests.scratch import temporary_folder

ROWS_A_DAY, DAYS, KEPT = 1_000_000, 30, 7
FIRST_DAY = date(2026, 9, 14)  # the old month is emptied on the way, and the new one filled
MOST_GROWTH = 1.1
ONE_DAY = timedelta(days=1)
FILL = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, request_id, source_key, timestamp, model_name, billing_account,
    cost_usd, tokens_used, input_tokens, output_tokens, request_count, collection_method, cost_basis, metadata
)
select
    %(user)s, %(user)s, p.id, 'req_' || %(day)s || n, md5(%(day)s || n)::uuid,
    %(day)s::timestamp at time zone 'UTC' + n * (interval '1 day' / %(rows)s), 'gpt-5-' || n %% 12, 'openai',
    (n %% 9973) / 1e7, n %% 9000, n %% 8000, n %% 1000, 1, 'otlp', 'estimated',
    jsonb_build_object('session', md5((n / 40)::text), 'agent', 'agent ' || n %% 30)
from generate_series(%(first)s::bigint, %(last)s) as n
cross join (select id from public.providers where name = 'openai') as p"""
# As the nightly run and autovacuum do.
UPKEEP = (
    "select public.fold_stale_days()",
    "select public.refresh_cost_records_daily()",
    "select private.drop_empty_partitions()",
    "vacuum",
)


def measure(options: Options) -> Iterator[Measurement]:
    """Save a day, archive the one that is too old, and look after the database, again and again."""
    rows = options.scaled(ROWS_A_DAY)
    with ExitStack() as opened:
        folder = opened.enter_context(temporary_folder(on_disk=True))
        cluster = opened.enter_context(Cluster.embedded())
        connection = opened.enter_context(make_schema(cluster).connect())
        sizes = _simulate(connection, folder, rows)
    empty, eighth, last = sizes[0], sizes[KEPT + 1], sizes[-1]
    name = f"data of Postgres after {DAYS} days of {rows:,} records, {KEPT} kept, against day {KEPT + 1}"
    value, baseline = (last - empty) / 1e6, (eighth - empty) / 1e6
    yield Measurement(name, value, "MB", baseline, value / baseline, MOST_GROWTH)
    largest = (max(sizes) - empty) / 1e6
    yield Measurement("the largest on the way, against day 8", largest, "MB", baseline, largest / baseline)


def _simulate(connection: psycopg.Connection[Any], folder: Path, rows: int) -> list[int]:
    """The size of the database before the first day, and at the end of each."""
    storage = open_storage({"tally_archive_url": f"file://{folder}"})
    user = add_user(connection)
    make_months(connection, FIRST_DAY, FIRST_DAY + DAYS * ONE_DAY)
    sizes = [_size(connection)]
    for number in range(DAYS):
        day = FIRST_DAY + number * ONE_DAY
        _save_day(connection, user, day, rows)
        if number >= KEPT:
            old = day - KEPT * ONE_DAY
            archive_one(Leaving(connection, storage, user, Stretch(old, old + ONE_DAY)))
        for step in UPKEEP:
            connection.execute(step)
        sizes.append(_size(connection))
    return sizes


def _save_day(connection: psycopg.Connection[Any], user: UUID, day: date, rows: int) -> None:
    for first in range(0, rows, BATCH):
        given = {"user": user, "day": day.isoformat(), "rows": rows, "first": first}
        connection.execute(FILL, given | {"last": min(first + BATCH, rows) - 1})


def _size(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute("select pg_database_size(current_database())").fetchone()
    assert found is not None
    return int(found[0])
