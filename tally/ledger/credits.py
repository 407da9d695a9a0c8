"""Prepaid credits: purchases are cash, usage draws the balance down, the soonest to expire first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from tally.ledger.pace import find_pace

ZERO = Decimal(0)
KNOWN_DAYS, MIN_DAYS = 84, 7  # whose usage tells the usage to come
RECENT_DAYS = 28  # without usage, it has stopped
HORIZON_DAYS = 730
Z_80 = 1.2815515655446004  # of the normal distribution: the 80% range
Uncertain = Literal["", "empty", "few days", "unused", "far"]


class Purchase(NamedTuple):
    """Credits that were bought on a day, usable through `expires_on`."""

    bought_on: date
    amount_usd: Decimal
    expires_on: date | None = None


@dataclass(slots=True)
class Lot:
    """The rest of a purchase."""

    expires_on: date | None
    left: Decimal


@dataclass(slots=True)
class Balance:
    """The balance at the end of each day up to today, and what became of the credits."""

    days: list[tuple[date, Decimal]] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    expired: Decimal = ZERO
    overdrawn: Decimal = ZERO  # usage that no known purchase paid

    @property
    def left(self) -> Decimal:
        """The rest of all purchases."""
        return sum((lot.left for lot in self.lots), ZERO)

    def find_expiry(self) -> tuple[date, Decimal] | None:
        """The next day on which credits expire, and how many of those that are left now."""
        days = [lot.expires_on for lot in self.lots if lot.expires_on is not None and lot.left > 0]
        if not days:
            return None
        first = min(days)
        return first, sum((lot.left for lot in self.lots if lot.expires_on == first), ZERO)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The day on which the credits end, with its 80% range; None in it is later than two years."""

    reason: Uncertain
    daily_usd: Decimal = ZERO
    counted_days: int = 0
    end: date | None = None
    early: date | None = None
    late: date | None = None


@dataclass(frozen=True, slots=True)
class Credits:
    """The credits at one provider."""

    provider: str
    purchases: Sequence[Purchase]
    balance: Balance
    outlook: Outlook


def read_credits(facts: Mapping[str, Any], today: date) -> Credits:
    """The credits in an element of what `prepaid_credits` returns."""
    purchases = [
        Purchase(
            date.fromisoformat(each["bought_on"]),
            Decimal(each["amount_usd"]),
            each["expires_on"] and date.fromisoformat(each["expires_on"]),
        )
        for each in facts["purchases"]
    ]
    usage = {date.fromisoformat(each["day"]): Decimal(each["cost_usd"] or 0) for each in facts["days"]}
    balance = calculate_balance(purchases, usage, today)
    return Credits(facts["provider"], purchases, balance, forecast_end(balance, usage, today))


def calculate_balance(purchases: Sequence[Purchase], usage: Mapping[date, Decimal], today: date) -> Balance:
    """The balance by day from the first purchase; a refund is a negative purchase."""
    balance = Balance()
    bought = sorted((one for one in purchases if one.bought_on <= today), key=lambda one: one.bought_on)
    day = bought[0].bought_on if bought else today + timedelta(days=1)
    while day <= today:
        for each in bought:
            if each.bought_on == day:
                _add(balance, each)
        balance.overdrawn += _draw(balance.lots, usage.get(day, ZERO))
        balance.days.append((day, balance.left))
        balance.expired += _expire(balance.lots, day)
        day += timedelta(days=1)
    return balance


def _add(balance: Balance, purchase: Purchase) -> None:
    if purchase.amount_usd < 0:
        balance.overdrawn += _draw(balance.lots, -purchase.amount_usd)
        return
    balance.lots.append(Lot(purchase.expires_on, purchase.amount_usd))
    balance.lots.sort(key=lambda lot: lot.expires_on or date.max)


def _draw(lots: Sequence[Lot], amount: Decimal) -> Decimal:
    """Take an amount from the lots in their order; returns what none of them has."""
    for lot in lots:
        taken = min(lot.left, max(amount, ZERO))
        lot.left -= taken
        amount -= taken
    return max(amount, ZERO)


def _expire(lots: list[Lot], day: date) -> Decimal:
    """Remove lots whose last day this is; returns what was left in them."""
    lost = sum((lot.left for lot in lots if lot.expires_on is not None and lot.expires_on <= day), ZERO)
    lots[:] = [lot for lot in lots if lot.left > 0 and (lot.expires_on is None or lot.expires_on > day)]
    return lost


def forecast_end(balance: Balance, usage: Mapping[date, Decimal], today: date) -> Outlook:
    """The day on which nothing is left, by the pace of the last complete days.

    `python -m bench credits` measures how often the range has the true day.
    """
    known = {day for day, _ in balance.days}
    before = [today - timedelta(days=ago) for ago in range(KNOWN_DAYS, 0, -1)]
    spent = [float(usage.get(day, ZERO)) for day in before if day in known]
    count = len(spent)
    if balance.left <= 0:
        return Outlook("empty")
    if count < MIN_DAYS:
        return Outlook("few days", counted_days=count)
    if sum(spent[-RECENT_DAYS:]) <= 0:
        return Outlook("unused", counted_days=count)
    pace = find_pace(spent)
    level = pace.level

    def spread(days: int) -> float:
        return Z_80 * pace.deviation(days)

    end = _find_end(balance.lots, today, lambda days: level * days)
    early = _find_end(balance.lots, today, lambda days: level * days + spread(days))
    late = _find_end(balance.lots, today, lambda days: level * days - spread(days))
    return Outlook("" if end else "far", round(Decimal(level), 10), count, end, early, late)


def _find_end(lots: Sequence[Lot], today: date, spent_by: Callable[[int], float]) -> date | None:
    """The first day after which nothing is left, if so much was spent by each day from today."""
    left = [Lot(lot.expires_on, lot.left) for lot in lots]
    for day, amount in _list_days(today, spent_by):
        _draw(left, Decimal(amount))
        _expire(left, day)
        if sum((lot.left for lot in left), ZERO) < Decimal("0.005"):
            return day
    return None


def _list_days(today: date, spent_by: Callable[[int], float]) -> Iterator[tuple[date, float]]:
    reached = 0.0
    for number in range(1, HORIZON_DAYS + 1):
        total = max(spent_by(number), reached)  # a day never gives back
        yield today + timedelta(days=number - 1), total - reached
        reached = total
