"""Time to read 90 days of a user with 1M of 2M records, compared with an index-only read of the view.

The baseline is read by the database's owner, who has no policies and checks no stale days, with a literal
user and dates. Both sides use the same client, use prepared statements after a few rounds, and end as
Python values. The baseline returns the same columns as the function, but the provider's id, which is the
view's key, instead of its name (with the name, the baseline would be a tenth faster still). The user has 30
models, so 90 days are 2,700 rows; the stale days are three days apart.
"""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from bench.measurement import Measurement, interleaved
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

DAYS = 90
STALE_DAYS = {0: 1.3, 1: 1.5, 30: 10.0}  # number of stale days: bar
REPEATS = 31
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

# Spreads `records` evenly over two years and `users`, each with `models` models.
RECORDS = """
insert into public.cost_records (
    user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens,
    request_count, source_key
)
select
    lpad(to_hex(%(first)s + n %% %(users)s), 32, '0')::uuid, m.provider_id,
    date_trunc('day', now()) - n * interval '2 years' / %(records)s, m.model_name, n %% 9973 / 1e5,
    n %% 5700, n %% 5000, n %% 700, 1, gen_random_uuid()
from generate_series(1, %(records)s) as n
inner join models as m on m.nth = n / %(users)s %% %(models)s"""

BASELINE = """
select
    date, provider_id, model_name, cost_basis, charge_type, total_cost_usd, total_tokens,
    total_input_tokens, total_output_tokens, total_cached_input_tokens, total_cache_write_tokens,
    total_requests, record_count, unpriced_count
from private.cost_records_daily
where user_id = '{user}' and date between '{first}' and '{last}'"""

Connection = psycopg.Connection[Any]


def measure() -> list[Measurement]:
    """Measure at each number of stale days, and with ten times as many records."""
    with Cluster.embedded() as cluster:
        cluster.make_project("bench")
        cluster.push("bench")
        fill(cluster)
        with cluster.connect("bench") as owner, cluster.connect("bench", "authenticator") as reader:
            reader.execute("set role authenticated")
            rows = [_measure_stale(owner, reader, stale, bar) for stale, bar in STALE_DAYS.items()]
            return [*rows, _measure_growth(owner, reader)]


def fill(cluster: Cluster) -> None:
    """Add 2M records: 1M of one user, 100k of another, the rest of 998 others."""
    with cluster.connect("bench", "supabase_admin") as admin:
        admin.execute(USERS)
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=732), today)
        # Triggers would only mark days as stale that are refreshed anyway.
        admin.execute("set session_replication_role = replica")
        admin.execute(MODELS)
        for first, users, records, models in (
            (1, 1, 1_000_000, 30),
            (2, 1, 100_000, 30),
            (3, 998, 900_000, 4),
        ):
            sizes = {"first": first, "users": users, "records": records, "models": models}
            psycopg.ClientCursor(admin).execute(RECORDS, sizes)
        admin.execute("refresh materialized view private.cost_records_daily")
        admin.execute("vacuum (analyze) private.cost_records_daily, public.cost_records")


def _measure_stale(owner: Connection, reader: Connection, stale: int, bar: float) -> Measurement:
    last = _last_day(owner)
    owner.execute("delete from private.stale_days")
    days = [last - timedelta(days=1 + 3 * nth) for nth in range(stale)]
    owner.execute("select private.mark_days(%s, %s)", [HEAVY, days])
    owner.execute("analyze private.stale_days")
    first = last - timedelta(days=DAYS - 1)
    baseline = BASELINE.format(user=HEAVY, first=first, last=last)
    _sign_in(reader, HEAVY)
    _assert_same(owner.execute(baseline).fetchall(), _read(reader, first, last))
    actions: dict[str, Callable[[], object]] = {
        "view": lambda: owner.execute(baseline).fetchall(),
        "function": lambda: _read(reader, first, last),
    }
    interleaved(actions, WARM_UP)
    taken = interleaved(actions, REPEATS)
    return _as_milliseconds(
        f"daily_costs, {DAYS} days, {stale} stale, against the view", taken["function"], taken["view"], bar
    )


def _measure_growth(owner: Connection, reader: Connection) -> Measurement:
    owner.execute("delete from private.stale_days")
    last = _last_day(owner)
    first = last - timedelta(days=DAYS - 1)

    def read_as(user: uuid.UUID) -> None:
        _sign_in(reader, user)
        _read(reader, first, last)

    taken = interleaved({"heavy": lambda: read_as(HEAVY), "light": lambda: read_as(LIGHT)}, REPEATS)
    return _as_milliseconds("daily_costs for 1M records, against 100k", taken["heavy"], taken["light"], 2.0)


def _sign_in(reader: Connection, user: uuid.UUID) -> None:
    claims = json.dumps({"sub": str(user), "role": "authenticated"})
    reader.execute("select set_config('request.jwt.claims', %s, false)", [claims])


def _read(reader: Connection, first: date, last: date) -> dict[str, list[Any]]:
    found = reader.execute("select public.daily_costs(%s, %s)", [first, last]).fetchone()
    assert found is not None
    columns: dict[str, list[Any]] = found[0]
    return columns


def _last_day(owner: Connection) -> date:
    found = owner.execute(
        "select max(date) from private.cost_records_daily where user_id = %s", [HEAVY]
    ).fetchone()
    assert found is not None
    day: date = found[0]
    return day


def _assert_same(rows: list[tuple[Any, ...]], columns: dict[str, list[Any]]) -> None:
    of_view = sorted(tuple(map(str, (row[0], *row[2:]))) for row in rows)
    assert of_view == sorted(
        tuple(map(str, (row[0], *row[2:]))) for row in zip(*columns.values(), strict=True)
    )


def _as_milliseconds(name: str, value: float, baseline: float, bar: float) -> Measurement:
    return Measurement(name, value * 1000, "ms", baseline * 1000, value / baseline, bar)
