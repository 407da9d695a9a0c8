"""Verified savings added up, and the scale that all bars of advice share. Open advice is never added up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tally.advice.kept import KeptAdvice

SAVED = ("verified", "partly")  # their intervals are above zero
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class SavedTotal:
    """Savings of verified advice: of a month, with their interval, and since the first change."""

    month_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    since_usd: Decimal
    first_day: date | None


def add_up(advice: Iterable[KeptAdvice]) -> SavedTotal | None:
    """The total of verified savings, whose errors are independent; None without any."""
    month = since = below = above = Decimal(0)
    days = []
    for one in advice:
        found = one.verified
        if found is None or found.state not in SAVED or found.month_usd is None:
            continue
        month += found.month_usd
        since += found.since_usd or 0
        below += (found.month_usd - (found.low_usd or found.month_usd)) ** 2
        above += ((found.high_usd or found.month_usd) - found.month_usd) ** 2
        if one.decided_at:
            days.append(one.decided_at.date())
    if not days:
        return None
    return SavedTotal(month, month - below.sqrt(), month + above.sqrt(), since, min(days))


def find_scale(amounts: Iterable[Decimal]) -> Decimal:
    """A round amount at or above all of them, for the end of bars: 1, 2 or 5 times a power of ten."""
    most = max((amount for amount in amounts if amount > 0), default=Decimal(0))
    if most <= 0:
        return Decimal(1)
    power = Decimal(10) ** most.adjusted()
    return next(step * power for step in STEPS if step * power >= most)


def place(amount: Decimal, scale: Decimal) -> float:
    """The place of an amount on a bar, in percent."""
    return float(min(max(amount / scale, Decimal(0)), Decimal(1))) * 100


def draw_line(units: Sequence[tuple[date, float]], changed: date | None) -> tuple[list[str], float]:
    """Points of the costs per call before and after a change, of 100 by 30, and the place of the change."""
    if not units:
        return ["", ""], 0.0
    first, last = units[0][0].toordinal(), units[-1][0].toordinal()
    width, top = max(last - first, 1), max(unit for _, unit in units) or 1.0
    at = (changed.toordinal() - first) / width * 100 if changed else 0.0
    sides: list[list[str]] = [[], []]
    for day, unit in units:
        side = sides[changed is not None and day >= changed]
        side.append(f"{(day.toordinal() - first) / width * 100:.1f},{30 - unit / top * 26:.1f}")
    return [" ".join(side) for side in sides], min(max(at, 0.0), 100.0)
