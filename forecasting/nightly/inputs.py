"""Inputs of a workspace's forecasts, read from the daily costs: history, spend of the month, renewals."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from forecasting.model.intervals import HORIZON_DAYS
from forecasting.model.series import TOTAL, DailySpend
from forecasting.nightly.database import Connection
from forecasting.nightly.results import KnownSpend
from forecasting.nightly.workspaces import Workspace
from tally.core.months import last_day_of_month

RECENT_DAYS = 90

UNIQUE_ID = """
    case
        when grouping(p.name) = 0 then 'provider:' || p.name
        when grouping(d.model_name) = 0 then 'model:' || d.model_name
        when grouping(d.project_id) = 0 then 'project:' || d.project_id
        else 'total'
    end"""

SPEND = """
from private.current_days as d
inner join public.providers as p on d.provider_id = p.id
where
    d.workspace_id = %(workspace_id)s
    and d.date >= %(first_day)s
    and d.date < %(today)s
    and d.cost_basis <> 'included'"""

METERED = f"""
{SPEND}
    and d.charge_type = 'usage'
    and d.total_cost_usd is not null -- usage without a price is unknown spend, not $0"""

MODELS = f"""
select d.model_name, count(*) over ()
{METERED}
group by d.model_name
order by
    coalesce(sum(d.total_cost_usd) filter (where d.date >= %(recent_from)s), 0) desc,
    sum(d.total_cost_usd) desc,
    d.model_name
limit %(at_most)s"""

PROJECTS = f"""
select d.project_id, count(*) over ()
{METERED}
    and exists (
        select from public.projects as j
        where j.workspace_id = d.workspace_id and j.id = d.project_id and j.archived_at is null
    )
group by d.project_id
order by
    coalesce(sum(d.total_cost_usd) filter (where d.date >= %(recent_from)s), 0) desc,
    sum(d.total_cost_usd) desc,
    d.project_id
limit %(at_most)s"""  # noqa: S608 - constants only

OF_CHOSEN = """
having
    (grouping(d.model_name) = 1 or d.model_name = any(%(models)s))
    and (grouping(d.project_id) = 1 or d.project_id = any(%(projects)s))"""

DAILY_SPEND = f"""
select
    {UNIQUE_ID} as unique_id,
    d.date as ds,
    sum(d.total_cost_usd)::float8 as y,
    sum(d.record_count)::bigint as records
{METERED}
group by grouping sets ((d.date), (p.name, d.date), (d.model_name, d.date), (d.project_id, d.date))
{OF_CHOSEN}"""

SPENT = f"""
select {UNIQUE_ID}, coalesce(sum(d.total_cost_usd), 0)
{SPEND}
group by grouping sets ((), (p.name), (d.model_name), (d.project_id))
{OF_CHOSEN}"""

RENEWALS = """
select 'provider:' || p.name, r.day, s.amount_usd
from public.subscriptions as s
inner join public.providers as p on s.provider_id = p.id
cross join lateral private.renewal_days(s, %(until)s) as r (day)
where s.workspace_id = %(workspace_id)s and r.day >= %(today)s"""


def load_models(connection: Connection, workspace: Workspace, at_most: int) -> tuple[list[str], int]:
    """Models with metered and priced spend, by recent cost, highest first; the number left out."""
    return _load_highest(connection, MODELS, workspace, at_most)


def load_projects(connection: Connection, workspace: Workspace, at_most: int) -> tuple[list[UUID], int]:
    """The same of active projects."""
    return _load_highest(connection, PROJECTS, workspace, at_most)


def _load_highest(
    connection: Connection, query: str, workspace: Workspace, at_most: int
) -> tuple[list[Any], int]:
    keys = {**_keys_by_recent_cost(workspace), "at_most": at_most}
    rows = connection.execute(query, keys).fetchall()
    return [key for key, _ in rows], rows[0][1] - len(rows) if rows else 0


def _keys_by_recent_cost(workspace: Workspace) -> dict[str, object]:
    recent_from = workspace.today - timedelta(days=RECENT_DAYS)
    return {**_all_days(workspace), "recent_from": recent_from}


def _all_days(workspace: Workspace) -> dict[str, object]:
    return {"workspace_id": workspace.id, "first_day": date.min, "today": workspace.today}


def load_daily_spend(
    connection: Connection, workspace: Workspace, models: Sequence[str], projects: Sequence[UUID] = ()
) -> list[DailySpend]:
    """Metered and priced spend before today: in total, and per provider, given model and given project."""
    keys = {**_all_days(workspace), "models": list(models), "projects": list(projects)}
    return [DailySpend._make(row) for row in connection.execute(DAILY_SPEND, keys).fetchall()]


def load_known_spend(
    connection: Connection, workspace: Workspace, models: Sequence[str], projects: Sequence[UUID] = ()
) -> KnownSpend:
    """Spend of this month before today, and renewals within the horizon or this month."""
    today = workspace.today
    until = max(last_day_of_month(today), today + timedelta(days=HORIZON_DAYS - 1))
    keys = {
        "workspace_id": workspace.id,
        "first_day": today.replace(day=1),
        "today": today,
        "until": until,
        "models": list(models),
        "projects": list(projects),
    }
    renewals: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for provider, day, amount_usd in connection.execute(RENEWALS, keys):
        renewals[provider][day] += amount_usd
        renewals[TOTAL][day] += amount_usd
    return KnownSpend(today, dict(connection.execute(SPENT, keys).fetchall()), renewals)
