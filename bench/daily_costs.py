"""Reads of 90 days of a user with 1M of 2M records, and the upkeep that keeps them fast.

The baseline of reads is an index-only read of the view by the database's owner, who has no policies and
checks no stale days, with a literal workspace and dates. Both sides use the same client, use prepared
statements after a few rounds, end as Python values, and take turns 101 times. The baseline returns the same
columns as the function, but the provider's id, which is in the view's key, instead of its name. The user has
30 models, so 90 days are 2,700 rows; the changed days are three days apart.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import psycopg

from bench.measurement import Measurement, Options, in_milliseconds, interleaved, seconds
from bench.schemas import Connection, Schema, fetch_value, make_schemas
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

DAYS = 90
STALE_DAYS = {0: 1.25, 1: 1.4, 30: 7.0}  # number of stale days: bar
FOLDED_DAYS = {7: 1.4}
CHANGED_DAYS = 1_000  # of different users
FOLDS = 3
HEAVY_RECORDS, LIGHT_RECORDS, OTHER_RECORDS = 1_000_000, 100_000, 900_000
REPEATS = 101  # medians of few reads of 5 ms are noisy
WARM_UP = 6  # psycopg prepares a statement at its fifth execution
HEAVY, LIGHT = (uuid.UUID(int=number) for number in (1, 2))

USERS = """
insert into auth.users (id, email)
select lpad(to_hex(n), 32, '0')::uuid, n || '@example.org' from generate_series(1, 1000) as n"""

MODELS = """
create temporary table models as
select row_number() over () - 1 as nth, p.id as provider_id, p.name || '-' || n as model_name
from generate_series(1, 5) as n, public.providers as p
where p.name in ('openai', 'anthropic', 'google', 'mistral', 'xai', 'deepseek')"""

# Each group of users has its records spread evenly over two years. All are inserted in time order, as they
# arrive in use: out of order, a BRIN index finds nothing.
RECORDS = """
insert into public.cost_records (
    {owners}, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens,
    request_count, source_key
)
select
    {owner_values}, m.provider_id, r.timestamp, m.model_name, r.n %% 9973 / 1e5, r.n %% 5700, r.n %% 5000,
    r.n %% 700, 1, gen_random_uuid()
from (
    select
        lpad(to_hex(g.first_user + n %% g.users), 32, '0')::uuid as owner,
        date_trunc('day', now()) - n * interval '2 years' / g.records as timestamp,
        n / g.users %% g.models as model,
        n
    from (values (1, 1, %s, 30), (2, 1, %s, 30), (3, 998, %s, 4)) as g (first_user, users, records, models)
    cross join lateral generate_series(1, g.records) as n
) as r
inner join models as m on r.model = m.nth
order by r.timestamp"""

BASELINE = """
select
    date, provider_id, model_name, cost_basis, charge_type, total_cost_usd, total_tokens,
    total_input_tokens, total_output_tokens, total_cached_input_tokens, total_cache_write_tokens,
    total_requests, record_count, unpriced_count
from private.cost_records_daily
where workspace_id = '{workspace}' and date between '{first}' and '{last}'"""

# The newest day with records of as many workspaces as are needed, light ones only.
MARK_OTHERS = """
select private.mark_days(d.workspace_id, array[d.date])
from (
    select workspace_id, max(date) as date
    from private.cost_records_daily
    where workspace_id <> all(%s)
    group by workspace_id, extract(year from date), extract(month from date)
    limit %s
) as d"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure reads with stale and with folded days, growth with records, folds and a refresh."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        schemas = make_schemas(cluster, options.before)
        readers: dict[str, Connection] = {}
        for name, schema in schemas.items():
            fill(schema, options)
            readers[name] = opened.enter_context(schema.connect("authenticator"))
            readers[name].execute("set role authenticated")
        owner, reader = opened.enter_context(schemas["now"].connect()), readers["now"]
        for days, bar in STALE_DAYS.items():
            yield _measure_stale(owner, reader, days, bar)
        for days, bar in FOLDED_DAYS.items():
            yield _measure_folded(owner, reader, days, bar)
        yield _measure_growth(owner, reader)
        if options.before:
            yield _measure_before(owner, readers)
        yield from _measure_upkeep(owner, options.scaled(CHANGED_DAYS))


def fill(schema: Schema, options: Options) -> None:
    """Add 2M records: 1M of one user, 100k of another, the rest of 998 others."""
    owners = ["user_id"] if schema.is_older else ["workspace_id", "user_id"]
    records = RECORDS.format(owners=", ".join(owners), owner_values=", ".join(["r.owner"] * len(owners)))
    sizes = [options.scaled(number) for number in (HEAVY_RECORDS, LIGHT_RECORDS, OTHER_RECORDS)]
    with schema.connect("supabase_admin") as admin:
        admin.execute(USERS)
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=732), today)
        # Triggers would only mark days as stale that are refreshed anyway.
        admin.execute("set session_replication_role = replica")
        admin.execute(MODELS)
        psycopg.ClientCursor(admin).execute(records, sizes)
        admin.execute("refresh materialized view private.cost_records_daily")
        admin.execute("vacuum (analyze) private.cost_records_daily, public.cost_records")


def _measure_stale(owner: Connection, reader: Connection, stale: int, bar: float) -> Measurement:
    _mark(owner, stale)
    return _measure_read(owner, reader, f"{stale} stale", bar)


def _measure_folded(owner: Connection, reader: Connection, folded: int, bar: float) -> Measurement:
    _mark(owner, folded)
    _fold(owner)
    owner.execute("vacuum (analyze) private.folded_days, private.overridden_days")
    return _measure_read(owner, reader, f"{folded} folded", bar)


def _measure_read(owner: Connection, reader: Connection, changed: str, bar: float) -> Measurement:
    first, last = _range(owner)
    baseline = BASELINE.format(workspace=HEAVY, first=first, last=last)
    _sign_in(reader, HEAVY)
    _assert_same(owner.execute(baseline).fetchall(), _read(reader, first, last))
    taken = interleaved(
        {"view": lambda: owner.execute(baseline).fetchall(), "function": lambda: _read(reader, first, last)},
        REPEATS,
        WARM_UP,
    )
    _clear(owner)
    return in_milliseconds(
        f"daily_costs, {DAYS} days, {changed}, against the view", taken["function"], taken["view"], bar
    )


def _measure_growth(owner: Connection, reader: Connection) -> Measurement:
    first, last = _range(owner)

    def read_as(user: uuid.UUID) -> None:
        _sign_in(reader, user)
        _read(reader, first, last)

    taken = interleaved({"heavy": lambda: read_as(HEAVY), "light": lambda: read_as(LIGHT)}, REPEATS)
    return in_milliseconds("daily_costs for 1M records, against 100k", taken["heavy"], taken["light"], 2.0)


def _measure_before(owner: Connection, readers: Mapping[str, Connection]) -> Measurement:
    """The same read of the same records in the older schema."""
    first, last = _range(owner)
    for reader in readers.values():
        _sign_in(reader, HEAVY)
    taken = interleaved(
        {
            "now": lambda: _read(readers["now"], first, last),
            "before": lambda: _read(readers["before"], first, last),
        },
        REPEATS,
        WARM_UP,
    )
    return in_milliseconds(f"daily_costs, {DAYS} days, against before", taken["now"], taken["before"], 1.05)


def _measure_upkeep(owner: Connection, days: int) -> list[Measurement]:
    """Folds of changed days against a refresh, which has nothing to rewrite afterwards."""
    owner.execute("set work_mem = '64MB'")  # as the nightly run does
    folds = []
    for _ in range(FOLDS):
        _clear(owner)
        owner.execute(MARK_OTHERS, [[HEAVY, LIGHT], days])
        owner.execute("vacuum (analyze) private.stale_days, private.folded_days, private.overridden_days")
        folds.append(seconds(lambda: _fold(owner)))
    groups = fetch_value(owner, "select count(*) from private.cost_records_daily")
    with owner.transaction():
        refresh = seconds(lambda: owner.execute("select public.refresh_cost_records_daily()"))
        changed = "select count(*) from private.cost_records_daily where xmin = pg_current_xact_id()::xid"
        rewritten = fetch_value(owner, changed)
    fold = median(folds)
    name = f"fold of {days:,} days, against a refresh of {groups:,} groups"
    return [
        Measurement(name, fold, "s", refresh, fold / refresh, 0.01),
        Measurement("rows rewritten by a refresh of unchanged rows", rewritten, "rows", 0, rewritten, 0),
    ]


def _mark(owner: Connection, days: int) -> None:
    _, last = _range(owner)
    changed = [last - timedelta(days=1 + 3 * nth) for nth in range(days)]
    owner.execute("select private.mark_days(%s, %s)", [HEAVY, changed])
    owner.execute("analyze private.stale_days")


def _fold(owner: Connection) -> None:
    while fetch_value(owner, "select public.fold_stale_days()"):
        pass


def _clear(owner: Connection) -> None:
    """Forget which days changed: the records are still those of the view."""
    owner.execute("truncate private.stale_days, private.folded_days, private.overridden_days")


def _sign_in(reader: Connection, user: uuid.UUID) -> None:
    claims = json.dumps({"sub": str(user), "role": "authenticated"})
    reader.execute("select set_config('request.jwt.claims', %s, false)", [claims])


def _read(reader: Connection, first: date, last: date) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = fetch_value(reader, "select public.daily_costs(%s, %s)", first, last)
    return columns


def _range(owner: Connection) -> tuple[date, date]:
    """The last days of the user."""
    last = fetch_value(
        owner, "select max(date) from private.cost_records_daily where workspace_id = %s", HEAVY
    )
    return last - timedelta(days=DAYS - 1), last


def _assert_same(rows: list[tuple[Any, ...]], columns: dict[str, list[Any]]) -> None:
    of_view = sorted(tuple(map(str, (row[0], *row[2:]))) for row in rows)
    assert of_view == sorted(
        tuple(map(str, (row[0], *row[2:]))) for row in zip(*columns.values(), strict=True)
    )
