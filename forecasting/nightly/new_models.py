"""New models with a considerable share of a workspace's spend."""

from datetime import date
from decimal import Decimal

from forecasting.model.series import MIN_DAYS
from forecasting.nightly.database import Connection
from forecasting.nightly.stored_anomalies import MIN_USD, Anomaly, Window
from tally.core.records import NO_MODEL

MIN_SHARE = Decimal("0.2")

# Workspaces without MIN_DAYS of history are left out: all their models are new.
NEW_MODELS = """
with recent as (
    select d.model_name, min(d.date) as first_day, sum(d.total_cost_usd) as cost_usd
    from private.current_days as d
    where
        d.workspace_id = %(workspace_id)s
        and d.date between %(today)s::date - %(look_back)s::integer and %(today)s::date - 1
        and d.cost_basis <> 'included'
        and d.charge_type = 'usage'
        and d.model_name <> %(no_model)s
    group by d.model_name
    having sum(d.total_cost_usd) >= %(smallest_usd)s
)

select recent.first_day, recent.model_name, recent.cost_usd, since.cost_usd
from recent
cross join lateral (
    select sum(d.total_cost_usd) as cost_usd
    from private.current_days as d
    where
        d.workspace_id = %(workspace_id)s
        and d.date >= recent.first_day
        and d.date < %(today)s
        and d.cost_basis <> 'included'
        and d.charge_type = 'usage'
) as since
where
    recent.cost_usd >= %(share)s * since.cost_usd
    and exists (
        select from private.current_days as d
        where d.workspace_id = %(workspace_id)s and d.date <= recent.first_day - %(history_days)s::integer
    )
    and not exists (
        select from private.current_days as d
        where
            d.workspace_id = %(workspace_id)s
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


def _anomaly(first_day: date, model_name: str, cost_usd: Decimal, total_usd: Decimal) -> Anomaly:
    parts = {"model": f"{cost_usd:f}", "others": f"{total_usd - cost_usd:f}"}
    return Anomaly(first_day, "new_model", cost_usd, model_name=model_name, attribution=parts)
