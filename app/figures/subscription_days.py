"""Subscriptions spread over the days that they pay for, in place of one spike on the day of the renewal."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from tally.core.months import add_months
from tally.spend.renewals import next_renewal, renewal_days
from tally.spend.subscriptions import Subscription

LONGEST_DAYS = 366  # a yearly subscription pays for as many days
SUBSCRIPTION = "subscription"
COUNTS = ("tokens", "requests", "records", "unpriced_records")
MONEY = ("cost_usd", "amount", "cost")
Plans = Sequence[tuple[str, Subscription]]  # each with the slug of its provider
Known = Mapping[tuple[str, str], list[Subscription]]


def spread_subscriptions(daily: pd.DataFrame, plans: Plans, today: date) -> pd.DataFrame:
    """Daily costs up to today, with each renewal in equal parts on the days until the next one.

    A renewal of no known subscription pays for a month.
    """
    known = _by_name(plans)
    is_renewal = _find_renewals(daily)
    spread = [part for row in daily[is_renewal].to_dict("records") for part in _spread_row(row, known, today)]
    if not spread:
        return daily
    rest = daily[~is_renewal]
    parts = pd.DataFrame(spread, columns=daily.columns).astype(daily.dtypes)
    return parts if rest.empty else pd.concat([rest, parts], ignore_index=True)


def spread_ahead(ahead: pd.DataFrame, daily: pd.DataFrame, plans: Plans, currency: Currency) -> pd.DataFrame:
    """Predicted days after today, with renewals in equal parts on the days that they pay for.

    `daily` has the renewals that are paid, before they are spread.
    """
    if ahead.empty:
        return ahead
    shares = {day.date(): 0.0 for day in ahead["date"]}
    known = _by_name(plans)
    for row in daily[_find_renewals(daily)].to_dict("records"):
        day = row["date"].date()
        _add_shares(shares, day, _find_next(row, known), float(row["cost"]))
    for _, plan in plans:
        for day in renewal_days(plan, max(shares)):
            if day >= min(shares):
                price = float(currency.convert(plan.amount_usd, day))
                _add_shares(shares, day, _renews_after(plan, day), price)
    share = ahead["date"].map({pd.Timestamp(day): amount for day, amount in shares.items()})
    names = [name for name in ahead.columns if name == "predicted" or name.startswith(("lower_", "upper_"))]
    spread = {name: ahead[name] - ahead["renewals"] + share for name in names}
    return ahead.assign(**spread, renewals=share)


def _find_renewals(daily: pd.DataFrame) -> "pd.Series[bool]":
    return (daily["charge_type"] == SUBSCRIPTION) & daily["amount"].notna()


def _by_name(plans: Plans) -> Known:
    known: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
    for slug, plan in plans:
        known[slug, plan.plan_name].append(plan)
    return known


def _spread_row(row: Mapping[Any, Any], known: Known, today: date) -> Iterable[dict[Any, Any]]:
    first = row["date"].date()
    days = max((_find_next(row, known) - first).days, 1)
    amounts = {name: row[name] / days for name in MONEY}
    for nth in range(min(days, (today - first).days + 1)):
        counts = {} if nth == 0 else dict.fromkeys(COUNTS, 0)
        yield {**row, **amounts, **counts, "date": row["date"] + timedelta(days=nth)}


def _add_shares(shares: dict[date, float], first: date, until: date, amount: float) -> None:
    days = max((until - first).days, 1)
    for day in shares:
        if first <= day < until:
            shares[day] += amount / days


def _find_next(row: Mapping[Any, Any], known: Known) -> date:
    """The day until which a renewal pays: that of the next one."""
    day = row["date"].date()
    named = known.get((row["provider"], row["model"]), [])
    renewing = [plan for plan in named if day in renewal_days(plan, day)]
    return _renews_after(renewing[0], day) if renewing else add_months(day, 1)


def _renews_after(plan: Subscription, day: date) -> date:
    """The next renewal, which the last one of an ended plan has as well."""
    return next_renewal(replace(plan, ended_on=None), day) or add_months(day, 1)
