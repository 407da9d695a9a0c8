"""What plans cost and what they were worth, month by month, from daily costs and subscriptions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from app.figures.renewals import renewal_days
from app.figures.spend import INCLUDED
from tally.spend.subscriptions import Subscription

ZERO = Decimal(0)
CENT = Decimal("0.01")
MONTHS = 12


@dataclass(frozen=True, slots=True)
class PlanMonth:
    """A provider's plans in one month: what they cost, and the worth of the usage that they covered."""

    provider: str
    month: date  # its first day
    paid: Decimal = ZERO
    worth: Decimal = ZERO
    has_usage: bool = False
    unpriced_records: int = 0
    plans: frozenset[str] = field(default_factory=frozenset)

    @property
    def factor(self) -> Decimal | None:
        """How many times the price the usage was worth; None where one of the two is not known."""
        return self.worth / self.paid if self.paid > 0 and self.has_usage else None


def calculate_months(
    daily: pd.DataFrame,
    subscriptions: Iterable[tuple[str, Subscription]],
    today: date,
    currency: Currency,
) -> list[PlanMonth]:
    """Every plan's months, the newest first; `subscriptions` are with their provider's slug.

    `daily` is everything up to today. A yearly renewal is a twelfth of its price in each of its months.
    """
    months: dict[tuple[str, date], PlanMonth] = {}

    def put(
        provider: str, day: date, paid: Decimal = ZERO, worth: Decimal = ZERO, **values: object
    ) -> PlanMonth:
        key = provider, day.replace(day=1)
        known = months.get(key) or PlanMonth(*key)
        months[key] = replace(known, paid=known.paid + paid, worth=known.worth + worth, **values)  # type: ignore[arg-type]
        return months[key]

    rows: Any = daily.itertuples()
    for row in rows:
        day, amount = row.date.date(), row.amount or ZERO
        if row.charge_type == "subscription" and row.cost_basis != INCLUDED:
            known = put(row.provider, day, paid=amount)
            put(row.provider, day, plans=known.plans | {row.model})
        elif row.cost_basis == INCLUDED:
            known = put(row.provider, day, worth=amount, has_usage=True)
            put(row.provider, day, unpriced_records=known.unpriced_records + row.unpriced_records)
    for provider, plan in subscriptions:
        if plan.interval == "year":
            for paid_on in renewal_days(plan, today):
                price = currency.convert(plan.amount_usd, paid_on)
                put(provider, paid_on, paid=-price)
                for month, share in _spread(price, paid_on):
                    if month <= today:
                        known = put(provider, month, paid=share)
                        put(provider, month, plans=known.plans | {plan.plan_name})
    return sorted(months.values(), key=lambda month: (-month.month.toordinal(), month.provider))


def _spread(price: Decimal, paid_on: date) -> list[tuple[date, Decimal]]:
    """A year's price over its months, to the cent; the last one takes what is left."""
    share = (price / MONTHS).quantize(CENT)
    shares = [share] * (MONTHS - 1) + [price - share * (MONTHS - 1)]
    first = paid_on.year * MONTHS + paid_on.month - 1
    return [
        (date((first + n) // MONTHS, (first + n) % MONTHS + 1, 1), share) for n, share in enumerate(shares)
    ]


def sum_months(months: Sequence[PlanMonth]) -> PlanMonth:
    """Several months of one provider as one, under the newest's date.

    Months before the first usage are left out, as nothing says that there was none, and so are those that
    were not paid, unless none was.
    """
    newest = max(months, key=lambda month: month.month)
    since = min((month.month for month in months if month.has_usage), default=None)
    used = [month for month in months if since is None or month.month >= since]
    shown = [month for month in used if month.paid > 0] or used
    return PlanMonth(
        newest.provider,
        newest.month,
        sum((month.paid for month in shown), ZERO),
        sum((month.worth for month in shown), ZERO),
        since is not None,
        sum(month.unpriced_records for month in shown),
        frozenset().union(*(month.plans for month in months)),
    )


def group_plans(months: Iterable[PlanMonth]) -> dict[str, list[PlanMonth]]:
    """The months of each provider, in the order given."""
    plans: dict[str, list[PlanMonth]] = defaultdict(list)
    for month in months:
        plans[month.provider].append(month)
    return dict(plans)


def list_recent(months: Iterable[PlanMonth], today: date) -> list[PlanMonth]:
    """Those of this month and of the eleven before it."""
    first = today.replace(year=today.year - 1, day=1)
    return [month for month in months if month.month > first]
