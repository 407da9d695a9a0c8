"""Spikes anywhere in a workspace's history, with the model that caused each.

Days with a forecast made before them are left to their range; all others, such as those of a new import, are
compared with the weeks around them.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from forecasting.model.spikes import WINDOW_DAYS, Spike, find_spikes
from forecasting.nightly.database import Connection
from forecasting.nightly.stored_anomalies import HISTORY, MIN_USD, Anomaly, Window
from tally.core.amounts import round_amount
from tally.core.records import NO_MODEL

MAX_SPIKES = 12  # of a workspace, the dearest
MIN_CAUSE_SHARE = Decimal("0.6")  # of the difference
ZERO = Decimal(0)

DAYS = """
select
    d.date,
    coalesce(sum(d.total_cost_usd) filter (where d.charge_type = 'usage'), 0),
    coalesce(sum(d.total_cost_usd), 0)
from private.current_days as d
where d.workspace_id = %(workspace_id)s and d.date < %(today)s and d.cost_basis <> 'included'
group by d.date
order by d.date"""

# Days that a forecast made before them has judged: of the last days all, of earlier ones the outliers.
JUDGED = """
select r.forecast_date
from public.forecast_results as r
where
    r.workspace_id = %(workspace_id)s
    and r.forecast_date between %(today)s::date - %(look_back)s::integer and %(today)s::date - 1
    and r.provider_id is null
    and r.model_name is null
    and r.project_id is null
    and r.training_data_end < r.forecast_date
union
select a.day
from public.anomalies as a
where
    a.workspace_id = %(workspace_id)s
    and a.day < %(today)s::date - %(look_back)s::integer
    and a.kind = 'spend'
    and a.provider_id is null
    and a.metadata ->> 'basis' is null"""

CAUSES = """
select s.day, m.model_name, m.cost_usd, m.usual_usd
from unnest(%(days)s::date[]) as s (day)
cross join lateral (
    select
        d.model_name,
        coalesce(sum(d.total_cost_usd) filter (where d.date = s.day), 0) as cost_usd,
        coalesce(sum(d.total_cost_usd) filter (where d.date <> s.day), 0)
        / greatest(count(distinct d.date) filter (where d.date <> s.day), 1) as usual_usd
    from private.current_days as d
    where
        d.workspace_id = %(workspace_id)s
        and d.date between s.day - %(window)s::integer and s.day + %(window)s::integer
        and d.date < %(today)s
        and (d.date - s.day) %% 7 = 0
        and d.cost_basis <> 'included'
        and d.charge_type = 'usage'
        and d.model_name <> %(no_model)s
    group by d.model_name
) as m
where m.cost_usd > 0
order by s.day, m.cost_usd - m.usual_usd desc, m.model_name"""


class Cause(NamedTuple):
    """A model with its cost on a day, and its mean on the same weekday around it, in dollars."""

    model: str
    cost: Decimal
    usual: Decimal


def find_past_spikes(connection: Connection, window: Window) -> list[Anomaly]:
    """Find the dearest spikes of a workspace's history, and name what caused them."""
    rows = connection.execute(DAYS, window.parameters).fetchall()
    usage = {day: cost for day, cost, _ in rows if cost > 0}
    if not usage:
        return []
    first, last = min(usage), window.workspace.last_day
    y = np.zeros((last - first).days + 1)
    for day, cost in usage.items():
        y[(day - first).days] = float(cost)
    judged = {day for (day,) in connection.execute(JUDGED, window.parameters)}
    spikes = {first + timedelta(days=spike.day): spike for spike in find_spikes(y, float(MIN_USD))}
    chosen = {day: spike for day, spike in spikes.items() if day not in judged}
    chosen = dict(list(chosen.items())[:MAX_SPIKES])
    causes = _load_causes(connection, window, list(chosen))
    total = {day: cost for day, _, cost in rows}
    return [_anomaly(day, spike, total[day] - usage[day], causes.get(day)) for day, spike in chosen.items()]


def _load_causes(connection: Connection, window: Window, days: list[date]) -> dict[date, Cause]:
    """By day the model that cost most above its usual."""
    if not days:
        return {}
    keys = window.parameters | {"days": days, "window": WINDOW_DAYS, "no_model": NO_MODEL}
    causes: dict[date, Cause] = {}
    for day, model, cost, usual in connection.execute(CAUSES, keys):
        causes.setdefault(day, Cause(model, cost, usual))
    return causes


def _anomaly(day: date, spike: Spike, besides: Decimal, cause: Cause | None) -> Anomaly:
    """The row of a spike; what was not usage on its day, such as a renewal, is `besides`."""
    amount, usual, upper = (_dollars(dollars) for dollars in (spike.amount, spike.usual, spike.upper))
    difference, of_model = amount - usual, cause.cost - cause.usual if cause else ZERO
    details = {"basis": HISTORY, "usual_usd": f"{usual:f}", "usage_usd": f"{amount:f}"}
    if cause and of_model >= MIN_CAUSE_SHARE * difference:
        details |= {
            "model": cause.model,
            "model_usd": f"{cause.cost:f}",
            "model_usual_usd": f"{round_amount(cause.usual):f}",
        }
    return Anomaly(
        day,
        "spend",
        amount + besides,
        expected=usual + besides,
        lower_95=min(besides, usual + besides),
        upper_95=upper + besides,
        attribution={"difference": f"{difference:f}"},
        metadata=details,
    )


def _dollars(amount: float) -> Decimal:
    return round_amount(Decimal(amount))
