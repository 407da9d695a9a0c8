"""A month of 2,000,000 records to a real object store and back, against COPY of the same rows."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bench.measurement import Measurement, Options, seconds
from bench.schemas import make_schema
from tally.archive.leaving import Leaving
from tally.archive.storage import Storage, open_storage
from tally.archive.stretch import Stretch, load_archives
from tally.archive.upkeep import archive_one, restore_month
from tests.database.cluster import Cluster
from tests.database_fixtures import add_user, make_months
from tests.object_store import object_store
from tests.scratch import temporary_folder

ROWS, MONTH = 2_000_000, "2026-03"
BOTH_SECONDS = 180.0
BATCH = 100_000
FILL = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, request_id, source_key, timestamp, model_name, billing_account,
    cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens, request_count,
    collection_method, cost_basis, metadata
)
select
    %(user)s, %(user)s, p.id, 'req_' || n, md5(n::text)::uuid,
    timestamptz '2026-03-01Z' + n * (interval '30 days' / %(rows)s), 'gpt-5-' || n %% 12, 'openai',
    (n %% 9973) / 1e7, n %% 9000, n %% 8000, n %% 1000, n %% 500, 1, 'otlp', 'estimated',
    jsonb_build_object('session', md5((n / 40)::text), 'agent', 'agent ' || n %% 30,
        'environment', 'production', 'inference', jsonb_build_object('status', 'ok', 'latency_ms', n %% 4000))
from generate_series(%(first)s::bigint, %(last)s) as n
cross join (select id from public.providers where name = 'openai') as p"""
ROWS_OF = "select * from public.cost_records where workspace_id = '{}'"
TOTALS = """
select d.date, d.model_name, sum(d.total_cost_usd), sum(d.total_tokens), sum(d.record_count)
from (
    select date, model_name, total_cost_usd, total_tokens, record_count
    from private.current_days where workspace_id = %s
) as d
group by 1, 2 order by 1, 2"""


def measure(options: Options) -> Iterator[Measurement]:
    """Archive a month and bring it back, and copy its rows out and into a bare table."""
    rows = options.scaled(ROWS)
    with ExitStack() as opened:
        store = opened.enter_context(object_store(opened.enter_context(temporary_folder(on_disk=True))))
        cluster = opened.enter_context(Cluster.embedded())
        connection = opened.enter_context(make_schema(cluster).connect())
        user = _fill(connection, rows)
        storage = open_storage(store.settings("bench"))
        yield from _measure(connection, storage, user)


def _measure(connection: psycopg.Connection[Any], storage: Storage, user: UUID) -> Iterator[Measurement]:
    query = ROWS_OF.format(user)
    connection.execute("create unlogged table private.heap as select * from public.cost_records limit 0")
    copied: list[bytes] = []
    out = seconds(lambda: copied.extend(_copy_out(connection, query)))
    into = seconds(lambda: _copy_in(connection, copied))
    size = sum(map(len, copied))
    copied.clear()
    connection.execute("truncate private.heap")
    before = _totals(connection, user)
    month = Stretch.of_month(MONTH)
    leaving = seconds(lambda: archive_one(Leaving(connection, storage, user, month)))
    while_away = _totals(connection, user)
    [archive] = load_archives(connection, user)
    returning = seconds(lambda: restore_month(connection, storage, user, month))
    after = _totals(connection, user)
    assert before == while_away == after, "Totals differ."
    assert archive.records == sum(int(row[4]) for row in before)
    yield Measurement(
        f"archive a month of {archive.records:,} records, against COPY", leaving, "s", out, leaving / out
    )
    name = "restore it, against COPY into a table without indexes"
    yield Measurement(name, returning, "s", into, returning / into)
    both = leaving + returning
    yield Measurement("both, against 3 minutes", both, "s", BOTH_SECONDS, both / BOTH_SECONDS, 1.0)
    stored = archive.bytes / 1e6
    yield Measurement("size of its files, against CSV", stored, "MB", size / 1e6, archive.bytes / size)


def _fill(connection: psycopg.Connection[Any], rows: int) -> UUID:
    user = add_user(connection, "Europe/Berlin")
    make_months(connection, f"{MONTH}-01")
    for first in range(0, rows, BATCH):
        given = {"user": user, "rows": rows, "first": first, "last": min(first + BATCH, rows) - 1}
        connection.execute(FILL, given)
    connection.execute("vacuum analyze")
    return user


def _copy_out(connection: psycopg.Connection[Any], query: str) -> Iterator[bytes]:
    with connection.cursor().copy(f"copy ({query}) to stdout (format csv)") as copy:
        for block in copy:
            yield bytes(block)


def _copy_in(connection: psycopg.Connection[Any], blocks: list[bytes]) -> None:
    with connection.cursor().copy("copy private.heap from stdin (format csv)") as copy:
        for block in blocks:
            copy.write(block)


def _totals(connection: psycopg.Connection[Any], user: UUID) -> list[tuple[Any, ...]]:
    """Every day and model, as the pages read them, from days that are all folded."""
    while connection.execute("select public.fold_stale_days()").fetchone() != (0,):
        pass
    found = connection.execute(TOTALS, [user]).fetchall()
    assert all(isinstance(row[2], Decimal) for row in found)
    return found
