"""Forecasts of budgets: what their periods will likely still cost or use, for any scope and any period.

Many budgets are about a series that is forecast anyway; only others are fitted, each scope once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from forecasting.model.forecast import Forecast
from forecasting.model.long_totals import calculate_long_total, extend_days
from forecasting.model.series import TOTAL, DailySpend
from forecasting.nightly.database import Connection
from forecasting.nightly.workspaces import Workspace
from tally.budgets.periods import Period, PeriodKind, find_period
from tally.core.amounts import round_amount
from tally.core.quantile_levels import LEVELS

PREFIX = "budget:"
MAX_SCOPES = (
    50  # fitted per workspace besides the series that are forecast anyway; the oldest budgets come first
)
TOKENS_A_UNIT = 10_000_000  # a model of dollars has no room for as many tokens
HISTORY_DAYS = 400  # of scopes that are added up from single records
ZERO = Decimal(0)

BUDGETS = """
select
    b.id, b.period, b.starts_on_day, b.measure, b.counts_subscriptions,
    b.project_id, p.name, b.model_name, b.user_id, b.billing_account, b.tag,
    b.agent, b.environment, b.customer
from public.budgets as b
left join public.providers as p on b.provider_id = p.id
where b.workspace_id = %(workspace_id)s and b.paused_at is null
order by b.created_at, b.id"""

# Usage that is fitted: of money what is metered and priced, of tokens all.
FITTED = """
    and d.charge_type = 'usage'
    and (b.measure = 'tokens' or (d.cost_basis <> 'included' and {cost} is not null))
    and (b.provider_id is null or d.provider_id = b.provider_id)
    and (b.project_id is null or d.project_id = b.project_id)
    and (b.model_name is null or d.model_name = b.model_name)
    and (b.user_id is null or d.user_id = b.user_id)"""

OF_DAYS = f"""
select
    b.id, d.date, sum(case b.measure when 'tokens' then d.total_tokens else d.total_cost_usd end)::float8,
    sum(d.record_count)::bigint
from public.budgets as b
inner join private.current_days as d
    on b.workspace_id = d.workspace_id and d.date < %(today)s {FITTED.format(cost="d.total_cost_usd")}
where
    b.id = any(%(ids)s) and not private.is_of_records(b)
    and d.workspace_id = %(workspace_id)s
group by b.id, d.date"""  # noqa: S608 - constants only

OF_RECORDS = f"""
select
    b.id, (d.timestamp at time zone w.timezone)::date,
    coalesce(
        sum(
            case
                when b.measure = 'tokens' then case when d.tokens_are_effective then d.tokens_used else 0 end
                when d.money_is_effective then d.cost_usd
            end
        ), 0
    )::float8,
    count(*)
from public.budgets as b
inner join public.workspaces as w on b.workspace_id = w.id
inner join public.cost_records as d
    on
        b.workspace_id = d.workspace_id
        and d.timestamp >= private.day_start(%(today)s - {HISTORY_DAYS}, w.timezone)
        and d.timestamp < private.day_start(%(today)s, w.timezone)
        and (b.billing_account is null or d.billing_account = b.billing_account)
        and (b.tag is null or private.has_tag(d.metadata, b.tag))
        and private.has_dimensions(d.metadata, b.agent, b.environment, b.customer)
        {FITTED.format(cost="d.cost_usd")}
where b.id = any(%(ids)s) and private.is_of_records(b)
group by 1, 2"""  # noqa: S608 - constants only

RENEWALS = """
select b.id, r.day, sum(s.amount_usd)
from public.budgets as b
inner join public.subscriptions as s
    on
        b.workspace_id = s.workspace_id
        and (b.provider_id is null or s.provider_id = b.provider_id)
        and (b.model_name is null or s.plan_name = b.model_name)
        and (b.user_id is null or s.user_id = b.user_id)
        and (b.project_id is null or private.project_of_plan(s) = b.project_id)
cross join lateral private.renewal_days(
    s, upper(private.budget_period(b.period, b.starts_on_day, %(today)s)) - 1
) as r (day)
where
    b.workspace_id = %(workspace_id)s and b.paused_at is null
    and b.measure = 'cost' and b.counts_subscriptions
    and not private.is_of_records(b) and r.day >= %(today)s
group by b.id, r.day"""


class Scope(NamedTuple):
    """The part of a workspace that a series is of."""

    measure: str
    project_id: UUID | None
    provider: str | None
    model_name: str | None
    user_id: UUID | None
    billing_account: str | None
    tag: str | None
    agent: str | None = None
    environment: str | None = None
    customer: str | None = None

    @property
    def series(self) -> str | None:
        """The series of every run that is the same; None if there is no such one."""
        given = [name for name in self._fields[1:] if getattr(self, name) is not None]
        if self.measure != "cost" or len(given) > 1:
            return None
        if not given:
            return TOTAL
        kind = {"project_id": "project", "provider": "provider", "model_name": "model"}.get(given[0])
        return f"{kind}:{getattr(self, given[0])}" if kind else None


class Budgeted(NamedTuple):
    """A budget to forecast."""

    id: UUID
    period: PeriodKind
    starts_on_day: int
    counts_subscriptions: bool
    scope: Scope


class Rest(NamedTuple):
    """The rest of a budget's period, from the day `made_on` on."""

    budget_id: UUID
    period: Period
    made_on: date
    days: list[Decimal]
    quantiles: list[Decimal]


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of a workspace, the names of their series, and the renewals to come that count in them."""

    today: date
    budgets: Sequence[Budgeted]
    names: Mapping[Scope, str]
    renewals: Mapping[UUID, Mapping[date, Decimal]]

    def rests(self, forecasts: Iterable[Forecast], known: Iterable[str]) -> list[Rest]:
        """The rests of all budgets that can be forecast; `known` are the names of all series with usage."""
        by_name = {forecast.series.unique_id: forecast for forecast in forecasts}
        with_usage = set(known)
        rests = []
        for budget in self.budgets:
            name = self.names.get(budget.scope)
            if name in by_name:
                rests.append(self._calculate_rest(budget, by_name[name]))
            elif name and name not in with_usage and self.renewals.get(budget.id):
                rests.append(self._calculate_rest(budget, None))  # nothing but renewals, which are known
        return rests

    def _calculate_rest(self, budget: Budgeted, forecast: Forecast | None) -> Rest:
        """The rest of one budget's period; without a forecast only its renewals."""
        period = find_period(budget.period, budget.starts_on_day, self.today)
        count = (period.last - self.today).days + 1
        metered = np.zeros(count)
        quantiles: Sequence[float] = (0.0,) * len(LEVELS)
        if forecast is not None:
            metered = extend_days(forecast.predicted, count)
            quantiles = calculate_long_total(forecast.series.y, forecast.predicted, count).quantiles
        renewals = self.renewals.get(budget.id, {})
        unit = TOKENS_A_UNIT if budget.scope.measure == "tokens" else 1
        days = [
            _exact(amount, unit) + renewals.get(date.fromordinal(self.today.toordinal() + nth), ZERO)
            for nth, amount in enumerate(metered.tolist())
        ]
        known = sum(renewals.values(), ZERO)
        amounts = [_exact(amount, unit) + known for amount in quantiles]
        return Rest(budget.id, period, self.today, days, amounts)


NO_BUDGETS = Budgets(date.min, (), {}, {})


def load_budgets(connection: Connection, workspace: Workspace, series: Iterable[str]) -> Budgets:
    """A workspace's active budgets; `series` are the names of those that are forecast anyway."""
    keys = {"workspace_id": workspace.id, "today": workspace.today}
    budgets = [_read(*row) for row in connection.execute(BUDGETS, keys).fetchall()]
    if not budgets:
        return NO_BUDGETS
    anyway, fitted = set(series), 0
    names: dict[Scope, str] = {}
    for budget in budgets:
        if budget.scope in names:
            continue
        if budget.scope.series in anyway:
            names[budget.scope] = str(budget.scope.series)
        elif fitted < MAX_SCOPES:
            names[budget.scope] = f"{PREFIX}{budget.id}"
            fitted += 1
    renewals: dict[UUID, dict[date, Decimal]] = defaultdict(dict)
    for budget_id, day, amount_usd in connection.execute(RENEWALS, keys):
        renewals[budget_id][day] = amount_usd
    return Budgets(workspace.today, budgets, names, renewals)


def load_usage(connection: Connection, workspace: Workspace, budgets: Budgets) -> list[DailySpend]:
    """The usage of the scopes that only budgets have, before today: dollars, or units of tokens."""
    units = {
        UUID(name.removeprefix(PREFIX)): TOKENS_A_UNIT if scope.measure == "tokens" else 1
        for scope, name in budgets.names.items()
        if name.startswith(PREFIX)
    }
    if not units:
        return []
    keys = {"workspace_id": workspace.id, "today": workspace.today, "ids": list(units)}
    rows = [row for query in (OF_DAYS, OF_RECORDS) for row in connection.execute(query, keys)]
    return [
        DailySpend(f"{PREFIX}{budget_id}", day, amount / units[budget_id], records)
        for budget_id, day, amount, records in rows
    ]


def _read(budget_id: UUID, period: Any, starts_on_day: int, measure: str, *rest: Any) -> Budgeted:
    return Budgeted(budget_id, period, starts_on_day, rest[0], Scope(measure, *rest[1:]))


def _exact(amount: float, unit: int) -> Decimal:
    exact = Decimal(amount) * unit
    return round_amount(exact) if unit == 1 else exact.quantize(Decimal(1))
