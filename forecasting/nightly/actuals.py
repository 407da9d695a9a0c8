"""Actuals of ended periods: their cost and their days within range, stored beside the forecast."""

from datetime import timedelta

from forecasting.nightly.database import Connection
from forecasting.nightly.workspaces import Workspace

RECHECK_DAYS = 35  # a month's bills and exports arrive during the next month

SERIES = "coalesce({0}.provider_id::text, 'model:' || {0}.model_name, 'project:' || {0}.project_id, 'total')"
BACKFILL = f"""
with ended as materialized (
    select t.id, t.run_id, {SERIES.format("t")} as series, t.period_start, t.period_end, t.actual_cost_usd
    from public.forecast_totals as t
    where
        t.workspace_id = %(workspace_id)s
        and t.period_end < %(today)s
        and (t.actual_cost_usd is null or t.period_end >= %(again_from)s)
),

spent as materialized (
    select {SERIES.format("d")} as series, d.date, sum(d.total_cost_usd) as cost_usd
    from private.current_days as d
    where
        d.workspace_id = %(workspace_id)s
        and d.date >= (select min(period_start) from ended)
        and d.date < %(today)s
        and d.cost_basis <> 'included'
    group by grouping sets ((d.date), (d.provider_id, d.date), (d.model_name, d.date), (d.project_id, d.date))
),

periods as (
    select e.series, e.period_start, e.period_end, coalesce(sum(spent.cost_usd), 0) as cost_usd
    from (select distinct series, period_start, period_end from ended) as e
    left join spent on e.series = spent.series and spent.date between e.period_start and e.period_end
    group by e.series, e.period_start, e.period_end
),

due as materialized (
    select e.id, e.run_id, e.series, e.period_start, e.period_end, p.cost_usd
    from ended as e
    inner join periods as p
        on e.series = p.series and e.period_start = p.period_start and e.period_end = p.period_end
    where e.actual_cost_usd is distinct from p.cost_usd
),

predicted as materialized (
    select
        r.run_id, {SERIES.format("r")} as series, r.forecast_date,
        r.lower_bound_80, r.upper_bound_80, r.lower_bound_95, r.upper_bound_95
    from public.forecast_results as r
    where r.workspace_id = %(workspace_id)s and r.run_id in (select run_id from due)
),

judged as materialized (
    select
        p.run_id, p.series, p.forecast_date,
        coalesce(s.cost_usd, 0) between p.lower_bound_80 and p.upper_bound_80 as is_in_80,
        coalesce(s.cost_usd, 0) between p.lower_bound_95 and p.upper_bound_95 as is_in_95
    from predicted as p
    left join spent as s on p.series = s.series and p.forecast_date = s.date
),

scored as materialized (
    select
        due.id, due.cost_usd,
        sum(j.is_in_80::integer) as days_in_80, -- null once the daily predictions are deleted
        sum(j.is_in_95::integer) as days_in_95
    from due
    left join judged as j
        on
            due.run_id = j.run_id
            and due.series = j.series
            and j.forecast_date between due.period_start and due.period_end
    group by due.id, due.cost_usd
)

update public.forecast_totals as t
set actual_cost_usd = scored.cost_usd, days_in_80 = scored.days_in_80, days_in_95 = scored.days_in_95
from scored
where t.id = scored.id"""  # noqa: S608 - names only


def backfill_actuals(connection: Connection, workspace: Workspace) -> int:
    """Store the actuals of a workspace's ended periods; returns the number of changed totals."""
    again_from = workspace.today - timedelta(days=RECHECK_DAYS)
    keys = {"workspace_id": workspace.id, "today": workspace.today, "again_from": again_from}
    return connection.execute(BACKFILL, keys).rowcount
