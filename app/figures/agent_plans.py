"""Plans of a month beside the value of the usage that they included, and the day that paid for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from app.figures.plan_worth import PlanMonth, calculate_months
from app.figures.spend import INCLUDED
from tally.core.months import last_day_of_month
from tally.spend.renewals import renewal_days
from tally.spend.subscriptions import Subscription

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans of a month together: what they cost in it, what they were worth, and when that was even.

    A plan whose usage nobody counts is left out where another one's is known. With a price, value is that of
    the providers whose plans have one.
    """

    month: date  # its first day
    price: Decimal
    value: Decimal
    names: tuple[str, ...]
    even_on: date | None
    parts: Sequence[PlanMonth]

    @property
    def factor(self) -> Decimal | None:
        """Value divided by price; None without a price or without value."""
        return self.value / self.price if self.price > 0 and self.value > 0 else None


def calculate_plans(
    daily: pd.DataFrame, subscriptions: Iterable[tuple[str, Subscription]], last: date, currency: Currency
) -> Plans:
    """The month of the day `last`; `daily` are its costs so far, subscriptions come with their providers.

    A renewal later in the month is part of the month's price already.
    """
    first = last.replace(day=1)
    subscriptions = list(subscriptions)
    months = calculate_months(daily, subscriptions, last, currency)
    found = {month.provider: month for month in months if month.month == first}
    for provider, plan in subscriptions:
        for day in _list_pending(plan, last):
            known = found.get(provider, PlanMonth(provider, first))
            found[provider] = PlanMonth(
                provider,
                first,
                known.paid + currency.convert(plan.amount_usd, day),
                known.worth,
                known.has_usage,
                known.unpriced_records,
                known.plans | {plan.plan_name},
            )
    parts = sorted(found.values(), key=lambda part: (-part.worth, part.provider))
    priced = [part for part in parts if part.paid > 0]
    counted = [part for part in priced if part.has_usage] or priced or parts
    price = sum((part.paid for part in counted), ZERO)
    value = sum((part.worth for part in counted), ZERO)
    names = sorted(name for part in counted for name in part.plans)
    own = daily[daily["provider"].isin([part.provider for part in counted])]
    return Plans(first, price, value, tuple(names), _find_even_day(own, price, first, last), parts)


def _list_pending(plan: Subscription, last: date) -> list[date]:
    """Renewals of a monthly plan after that day, in its month."""
    if plan.interval == "year":
        return []
    end = last_day_of_month(last)
    return [day for day in renewal_days(plan, end) if last < day <= end]


def _find_even_day(daily: pd.DataFrame, price: Decimal, first: date, last: date) -> date | None:
    """The first day by which the included usage was worth the price."""
    if price <= 0:
        return None
    by_day: dict[date, Decimal] = {}
    rows: Any = daily.itertuples()
    for row in rows:
        day = row.date.date()
        if row.cost_basis == INCLUDED and first <= day <= last:
            by_day[day] = by_day.get(day, ZERO) + (row.amount or ZERO)
    so_far = ZERO
    for day in sorted(by_day):
        so_far += by_day[day]
        if so_far >= price:
            return day
    return None
