"""Price and value of plans by month, from daily costs and subscriptions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from app.figures.spend import INCLUDED
from tally.spend.renewals import renewal_days
from tally.spend.subscriptions import Subscription

ZERO = Decimal(0)
CENT = Decimal("0.01")
MONTHS = 12


@dataclass(frozen=True, slots=True)
class PlanMonth:
    """The plans of a provider in one month: their price, and the value of the usage they covered."""

    provider: str
    month: date  # its first day
    paid: Decimal = ZERO
    worth: Decimal = ZERO
    has_usage: bool = False
    unpriced_records: int = 0
    plans: frozenset[str] = field(default_factory=frozenset)

    @property
    def factor(self) -> Decimal | None:
        """Value divided by price; None where either is unknown."""
        return self.worth / self.paid if self.paid > 0 and self.has_usage else None


def calculate_months(
    daily: pd.DataFrame,
    subscriptions: Iterable[tuple[str, Subscription]],
    today: date,
    currency: Currency,
) -> list[PlanMonth]:
    """Months of every plan, newest first; each subscription comes with the slug of its provider.

    `daily` is all spend up to today. A yearly renewal counts as a twelfth of its price in each of its months.
    """
    parts = [*_list_daily_parts(daily), *_list_yearly_parts(subscriptions, today, currency)]
    months: dict[tuple[str, date], PlanMonth] = {}
    for part in parts:
        key = part.provider, part.month
        months[key] = _add(months[key], part) if key in months else part
    return sorted(months.values(), key=lambda month: (-month.month.toordinal(), month.provider))


def _add(one: PlanMonth, other: PlanMonth) -> PlanMonth:
    return PlanMonth(
        one.provider,
        one.month,
        one.paid + other.paid,
        one.worth + other.worth,
        one.has_usage or other.has_usage,
        one.unpriced_records + other.unpriced_records,
        one.plans | other.plans,
    )


def _list_daily_parts(daily: pd.DataFrame) -> Iterator[PlanMonth]:
    """Paid renewals and covered usage, each as a part of its month."""
    rows: Any = daily.itertuples()
    for row in rows:
        month, amount = row.date.date().replace(day=1), row.amount or ZERO
        if row.cost_basis == INCLUDED:
            yield PlanMonth(
                row.provider, month, worth=amount, has_usage=True, unpriced_records=row.unpriced_records
            )
        elif row.charge_type == "subscription":
            yield PlanMonth(row.provider, month, paid=amount, plans=frozenset({row.model}))


def _list_yearly_parts(
    subscriptions: Iterable[tuple[str, Subscription]], today: date, currency: Currency
) -> Iterator[PlanMonth]:
    """Yearly renewals spread over twelve months: minus the price in its month, plus a share in each."""
    for provider, plan in subscriptions:
        if plan.interval != "year":
            continue
        for paid_on in renewal_days(plan, today):
            price = currency.convert(plan.amount_usd, paid_on)
            yield PlanMonth(provider, paid_on.replace(day=1), paid=-price)
            for month, share in _spread(price, paid_on):
                if month <= today:
                    yield PlanMonth(provider, month, paid=share, plans=frozenset({plan.plan_name}))


def _spread(price: Decimal, paid_on: date) -> list[tuple[date, Decimal]]:
    """A year's price over twelve months, to the cent; the last one takes the remainder."""
    share = (price / MONTHS).quantize(CENT)
    shares = [share] * (MONTHS - 1) + [price - share * (MONTHS - 1)]
    first = paid_on.year * MONTHS + paid_on.month - 1
    return [
        (date((first + n) // MONTHS, (first + n) % MONTHS + 1, 1), share) for n, share in enumerate(shares)
    ]


def sum_months(months: Sequence[PlanMonth]) -> PlanMonth:
    """Sum several months of one provider; the sum has the newest month's date and all their plans.

    Left out are months before the first usage, when usage may not have been recorded, and unpaid months,
    unless all are unpaid.
    """
    newest = max(months, key=lambda month: month.month)
    recorded = _select_recorded(months)
    start = PlanMonth(
        newest.provider,
        newest.month,
        has_usage=any(month.has_usage for month in months),
        plans=frozenset().union(*(month.plans for month in months)),
    )
    return reduce(_add, [month for month in recorded if month.paid > 0] or recorded, start)


def _select_recorded(months: Sequence[PlanMonth]) -> list[PlanMonth]:
    """The months from the first usage on; all of them without any usage."""
    first = min((month.month for month in months if month.has_usage), default=date.min)
    return [month for month in months if month.month >= first]


def group_plans(months: Iterable[PlanMonth]) -> dict[str, list[PlanMonth]]:
    """The months of each provider, in their given order."""
    plans: dict[str, list[PlanMonth]] = defaultdict(list)
    for month in months:
        plans[month.provider].append(month)
    return dict(plans)


def list_recent(months: Iterable[PlanMonth], today: date) -> list[PlanMonth]:
    """The months of the last year, this one included."""
    first = today.replace(year=today.year - 1, day=1)
    return [month for month in months if month.month > first]
