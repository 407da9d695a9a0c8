"""New models with a considerable share of an account's spend."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from forecasting.model.series import MIN_DAYS
from forecasting.nightly.database import Connection
from forecasting.nightly.stored_anomalies import MIN_USD, Anomaly, Window
from tally.core.records import NO_MODEL

MIN_SHARE = Decimal("0.2")

# Accounts without MIN_DAYS of history are left out: all their models are new.
NEW_MODELS = """
with recent as (
    select d.user_id, a.today, d.model_name, min(d.date) as first_day, sum(d.total_cost_usd) as cost_usd
    from unnest(%(user_ids)s::uuid[], %(todays)s::date[]) as a (user_id, today)
    inner join private.cost_records_daily as d
        on d.user_id = a.user_id and d.date between a.today - %(look_back)s::integer and a.today - 1
    where d.cost_basis <> 'included' and d.charge_type = 'usage' and d.model_name <> %(no_model)s
    group by 1, 2, 3
    having sum(d.total_cost_usd) >= %(smallest_usd)s
)

select recent.user_id, recent.first_day, recent.model_name, recent.cost_usd, since.cost_usd
from recent
cross join lateral (
    select sum(d.total_cost_usd) as cost_usd
    from private.cost_records_daily as d
    where
        d.user_id = recent.user_id
        and d.date >= recent.first_day
        and d.date < recent.today
        and d.cost_basis <> 'included'
        and d.charge_type = 'usage'
) as since
where
    recent.cost_usd >= %(share)s * since.cost_usd
    and exists (
        select from private.cost_records_daily as d
        where d.user_id = recent.user_id and d.date <= recent.first_day - %(history_days)s::integer
    )
    and not exists (
        select from private.cost_records_daily as d
        where
            d.user_id = recent.user_id
            and d.model_name = recent.model_name
            and d.date < recent.first_day
    )"""


def find_new_models(connection: Connection, window: Window) -> list[Anomaly]:
    """Find the models first used in a window that make up MIN_SHARE of the spend since then."""
    parameters = window.parameters | {
        "no_model": NO_MODEL,
        "smallest_usd": MIN_USD,
        "share": MIN_SHARE,
        "history_days": MIN_DAYS,
    }
    return [_anomaly(*row) for row in connection.execute(NEW_MODELS, parameters).fetchall()]


def _anomaly(
    user_id: UUID, first_day: date, model_name: str, cost_usd: Decimal, total_usd: Decimal
) -> Anomaly:
    parts = {"model": f"{cost_usd:f}", "others": f"{total_usd - cost_usd:f}"}
    return Anomaly(user_id, first_day, "new_model", cost_usd, model_name=model_name, attribution=parts)
