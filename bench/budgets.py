"""Evaluating the budgets of a thousand workspaces, and reading those of one for a page."""

from datetime import date, timedelta
from typing import Any

import psycopg

from bench.measurement import Measurement, Options, seconds
from tally.budgets.evaluation import evaluate
from tests.database_fixtures import make_months
from tests.embedded import temporary_stack

WORKSPACES, MODELS, DAYS = 1_000, 4, 60
BAR_SECONDS = 5.0
REPEATS = 3

ADD_ACCOUNTS = """
insert into auth.users (id, email)
select md5('budgets ' || n)::uuid, n || '@budgets.example' from generate_series(1, %s) as n"""

ADD_SPEND = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select
    w.id, w.id, p.id, %(today)s::date - d.nth + time '12:00' at time zone 'UTC', 'model-' || m.nth, random()
from public.workspaces as w
cross join generate_series(1, %(models)s) as m (nth)
cross join generate_series(0, %(days)s - 1) as d (nth)
inner join public.providers as p on p.name = case m.nth %% 2 when 0 then 'openai' else 'anthropic' end"""

# Five a workspace: everything, a provider, a model in yen from the 15th, a person by week, a quarter.
ADD_BUDGETS = """
with added as (
    insert into public.budgets (
        workspace_id, name, amount, currency, period, starts_on_day, provider_id, model_name, user_id,
        counts_tax
    )
    select
        w.id, b.name, b.amount, b.currency, b.period, b.starts_on_day,
        case when b.name = 'Provider' then p.id end, case when b.name = 'Model' then 'model-1' end,
        case when b.name = 'Person' then w.id end, b.name <> 'Quarter'
    from public.workspaces as w
    inner join public.providers as p on p.name = 'openai'
    cross join (
        values
        ('Everything', 50, 'USD', 'month', 1), ('Provider', 1000, 'USD', 'month', 1),
        ('Model', 1000, 'JPY', 'month', 15), ('Person', 1000, 'USD', 'week', 1),
        ('Quarter', 100, 'USD', 'quarter', 1)
    ) as b (name, amount, currency, period, starts_on_day)
    returning workspace_id, id
)
insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
select a.workspace_id, a.id, t.kind, t.percent
from added as a
cross join (values ('actual', 50), ('actual', 80), ('actual', 100), ('forecast', 100)) as t (kind, percent)"""

ADD_FORECASTS = """
insert into private.budget_forecasts (
    budget_id, workspace_id, made_on, period_start, period_end, days, quantiles, made_at, made_in
)
select
    b.id, b.workspace_id, m.made_on, lower(p.period), upper(p.period) - 1,
    array_fill(2::numeric, array[upper(p.period) - m.made_on]),
    (
        select array_agg(2 * (upper(p.period) - m.made_on) * (0.5 + n / 23.0) order by n)
        from generate_series(1, 23) as n
    ),
    m.made_on, m.made_on
from public.budgets as b
cross join lateral private.budget_period(b.period, b.starts_on_day, %(today)s) as p (period)
cross join lateral (values (%(today)s::date), (%(today)s::date - 1)) as m (made_on)
where m.made_on >= lower(p.period)"""


def measure(options: Options) -> list[Measurement]:
    """Measure on a stack of its own."""
    with temporary_stack(on_disk=True) as stack:
        url = stack.settings()["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            return _measure_on(connection, options.scaled(WORKSPACES))


def _measure_on(connection: psycopg.Connection[Any], workspaces: int) -> list[Measurement]:
    _fill(connection, workspaces)
    first = seconds(lambda: evaluate(connection))
    again = min(seconds(lambda: evaluate(connection)) for _ in range(REPEATS))
    [[one]] = connection.execute("select id from public.workspaces order by id limit 1").fetchall()
    single = min(seconds(lambda: evaluate(connection, [one])) for _ in range(REPEATS))
    name = f"evaluation of {workspaces:,} workspaces with 5 budgets each"
    return [
        Measurement(f"{name}, all of them exceeded", first, "s"),
        Measurement(f"{name}, against the bar", again, "s", BAR_SECONDS, again / BAR_SECONDS, 1.0),
        Measurement("evaluation of one of these workspaces", 1000 * single, "ms"),
    ]


def _fill(connection: psycopg.Connection[Any], workspaces: int) -> None:
    """Spend of two months; today's is not in the view yet."""
    today = connection.execute("select current_date").fetchall()[0][0]
    make_months(connection, today - timedelta(days=DAYS), today)
    connection.execute(ADD_ACCOUNTS, [workspaces])
    values: dict[str, date | int] = {"today": today, "models": MODELS, "days": DAYS}
    connection.execute(ADD_SPEND, values)
    connection.execute("select public.refresh_cost_records_daily()")
    connection.execute(ADD_SPEND, values | {"days": 1})
    connection.execute(ADD_BUDGETS)
    connection.execute(ADD_FORECASTS, {"today": today})
    for table in ("private.cost_records_daily", "public.cost_records", "public.budgets"):
        connection.execute(f"vacuum (analyze) {table}")
