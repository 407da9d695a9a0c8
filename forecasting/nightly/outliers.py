"""Outliers: days outside the 95% range of the newest forecast made before them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.stored_anomalies import MIN_USD, Anomaly, Window
from tally.core.amounts import round_amount

if TYPE_CHECKING:
    from tally.ledger.attribution import Model, Usage

    UsageByModel = dict[Model, Usage]

USUAL_DAYS = 28
MIN_SHARE_OF_USUAL = Decimal("0.5")
# Low spend may just mean that data has not arrived yet, so it is flagged one day later.
LOW_SPEND_DELAY_DAYS = 2


class Outlier(NamedTuple):
    """A day of a workspace or of one of its providers, outside its 95% range; amounts in dollars."""

    day: date
    provider_id: UUID | None
    actual: Decimal
    expected: Decimal
    lower_95: Decimal
    upper_95: Decimal
    age_days: int
    usual_days: int  # days of history before it, at most USUAL_DAYS
    spent_before: Decimal  # total of those days
    days_above: int  # how many of those days cost more

    @property
    def usual(self) -> Decimal:
        """The mean of the days before it."""
        return self.spent_before / self.usual_days


OUTLIERS = """
with predicted as (
    select distinct on (r.provider_id, r.forecast_date) r.*
    from public.forecast_results as r
    where
        r.workspace_id = %(workspace_id)s
        and r.forecast_date between %(today)s::date - %(look_back)s::integer and %(today)s::date - 1
        and r.model_name is null
        and r.project_id is null
        and r.training_data_end < r.forecast_date
    order by r.provider_id, r.forecast_date, r.training_data_end desc, r.created_at desc
)

select
    r.forecast_date, r.provider_id, spent.cost_usd, r.predicted_cost_usd, r.lower_bound_95, r.upper_bound_95,
    %(today)s::date - r.forecast_date, usual.days, coalesce(before.cost_usd, 0), before.days_above
from predicted as r
cross join lateral (
    select coalesce(sum(d.total_cost_usd), 0) as cost_usd
    from private.current_days as d
    where
        d.workspace_id = r.workspace_id
        and d.date = r.forecast_date
        and d.cost_basis <> 'included'
        and (r.provider_id is null or d.provider_id = r.provider_id)
) as spent
cross join lateral (
    select greatest(1, least(%(usual_days)s::integer, r.forecast_date - r.training_data_start)) as days
) as usual
cross join lateral (
    select
        sum(daily.cost_usd) as cost_usd,
        count(*) filter (where daily.cost_usd > spent.cost_usd) as days_above
    from (
        select sum(d.total_cost_usd) as cost_usd
        from private.current_days as d
        where
            d.workspace_id = r.workspace_id
            and d.date >= r.forecast_date - usual.days
            and d.date < r.forecast_date
            and d.cost_basis <> 'included'
            and (r.provider_id is null or d.provider_id = r.provider_id)
        group by d.date
    ) as daily
) as before
where spent.cost_usd not between r.lower_bound_95 and r.upper_bound_95"""

USAGE = """
select
    p.name, d.model_name, d.date = %(day)s, coalesce(sum(d.total_cost_usd), 0),
    case when sum(d.unpriced_count) = 0 then coalesce(sum(d.total_tokens), 0) else 0 end::bigint,
    coalesce(sum(d.total_input_tokens), 0)::bigint, coalesce(sum(d.total_cached_input_tokens), 0)::bigint
from private.current_days as d
inner join public.providers as p on d.provider_id = p.id
where
    d.workspace_id = %(workspace_id)s
    and d.date between %(first_day)s and %(day)s
    and d.cost_basis <> 'included'
    and d.charge_type = 'usage'
    and (%(provider_id)s::uuid is null or d.provider_id = %(provider_id)s)
group by 1, 2, 3"""


def find_outliers(connection: Connection, window: Window) -> list[Anomaly]:
    """Find the notable outliers of a window, and explain them."""
    rows = connection.execute(OUTLIERS, {**window.parameters, "usual_days": USUAL_DAYS}).fetchall()
    outliers = map(Outlier._make, rows)
    return [_explain(connection, window, outlier) for outlier in outliers if is_notable(outlier)]


def is_notable(outlier: Outlier) -> bool:
    """Return false for small differences, and for a low day in a series with other low days."""
    if abs(outlier.actual - outlier.expected) < max(MIN_USD, MIN_SHARE_OF_USUAL * outlier.usual):
        return False
    if outlier.actual > outlier.upper_95:
        return True
    return outlier.age_days >= LOW_SPEND_DELAY_DAYS and outlier.days_above == outlier.usual_days


def _explain(connection: Connection, window: Window, outlier: Outlier) -> Anomaly:
    """Attribute the difference from the usual day to models, tokens and prices."""
    from tally.ledger.attribution import Model, attribute  # slow: loads all price lists
    from tally.ledger.rates import Rates, find_rates

    def rates_of(model: Model) -> Rates | None:
        return find_rates(model.provider, model.name, outlier.day)

    before, day = _load_usage(connection, window, outlier)
    difference = outlier.actual - round_amount(outlier.usual)
    attribution = attribute(before, outlier.usual_days, day, difference, rates_of)
    return Anomaly(
        outlier.day,
        "spend",
        outlier.actual,
        provider_id=outlier.provider_id,
        expected=outlier.expected,
        lower_95=outlier.lower_95,
        upper_95=outlier.upper_95,
        attribution={name: f"{part:f}" for name, part in attribution.parts.items()},
    )


def _load_usage(
    connection: Connection, window: Window, outlier: Outlier
) -> "tuple[UsageByModel, UsageByModel]":
    """Usage by model on the days before the outlier, and on its day."""
    from tally.ledger.attribution import Model, Usage

    keys = {
        "workspace_id": window.workspace.id,
        "day": outlier.day,
        "first_day": outlier.day - timedelta(days=outlier.usual_days),
        "provider_id": outlier.provider_id,
    }
    before: UsageByModel = {}
    day: UsageByModel = {}
    for provider, name, is_day, *usage in connection.execute(USAGE, keys):
        (day if is_day else before)[Model(provider, name)] = Usage(*usage)
    return before, day
