"""The month card: texts and shares of a picture to share. No names of repositories unless they are chosen."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from app.figures.agent_days import YearHeat
from app.figures.agent_plans import Plans
from app.figures.agent_usage import Money
from app.formats.counts import format_count, format_factor
from app.formats.dates import format_short_day
from app.formats.money import format_limit, format_money, format_plain
from tally.core.months import last_day_of_month
from tally.core.text import plural

ROWS = 4
MOST_NAME = 60  # characters


class CardFigures(NamedTuple):
    """The figures of a month that a card shows."""

    month: date  # its first day
    last: date  # its last day so far
    money: Money
    plans: Plans
    names: Mapping[str, Money]  # models, or repositories if they were chosen
    tokens: int
    saved: Decimal
    cached_share: Decimal | None
    streak: int
    heat: YearHeat


def name_price(plans: Plans, currency: str, whose: str) -> str:
    """The price of the plans in words: your $100 plan, your plans for $120."""
    price = format_limit(plans.price, currency)
    return f"{whose} {price} plan" if len(plans.names) < 2 else f"{whose} plans for {price}"


def make_card(figures: CardFigures, currency: str, theme: str, heading: str) -> dict[str, object]:
    """The card as JSON for the script that draws it."""
    plans = figures.plans
    value = figures.money.value
    if plans.factor is None:
        figure, claim = format_plain(value, currency), "of AI by my coding agents"
        detail = "at list prices"
    else:
        figure = format_factor(plans.factor)
        costs = "costs" if len(plans.names) < 2 else "cost"
        claim = f"what {name_price(plans, currency, 'my')} {costs}"
        paid = figures.money.paid + plans.price
        detail = f"{format_money(value, currency)} of AI for {format_money(paid, currency)} paid"
    return {
        "theme": theme,
        "file": f"tally-{figures.month:%Y-%m}-{theme}.png",
        "month": f"{figures.month:%B %Y}",
        "figure": figure,
        "claim": claim,
        "detail": detail,
        "heading": heading,
        "rows": _list_rows(figures.names, currency),
        "days": _list_days(figures),
        "facts": _list_facts(figures, currency),
    }


def _list_rows(names: Mapping[str, Money], currency: str) -> list[dict[str, object]]:
    ranked = sorted(names.items(), key=lambda item: (-item[1].value, item[0]))[:ROWS]
    top = max((money.value for _, money in ranked), default=Decimal(0))
    return [
        {
            "name": name[:MOST_NAME],
            "value": format_plain(money.value, currency),
            "share": float(money.value / top) if top else 0.0,
        }
        for name, money in ranked
    ]


def _list_days(figures: CardFigures) -> list[int | None]:
    """The levels of the days of the month; None after the last one."""
    levels = {day.day: day.level for week in figures.heat.weeks for day in week}
    days = [figures.month + timedelta(days=nth) for nth in range(last_day_of_month(figures.month).day)]
    return [levels.get(day) if day <= figures.last else None for day in days]


def _list_facts(figures: CardFigures, currency: str) -> list[Sequence[str]]:
    even = figures.plans.even_on
    share = figures.cached_share or Decimal(0)
    days = sum(bool(level) for level in _list_days(figures))
    streak = (plural(figures.streak, "day"), "in a row with agents")
    last = (f"{share:.0%}", "of input from cache")
    if even:
        last = (format_short_day(even, figures.last), "plan paid for itself")
    return [
        streak if figures.streak > 1 else (plural(days, "day"), "with agents"),
        (format_plain(max(figures.saved, Decimal(0)), currency), "saved by the cache"),
        (format_count(figures.tokens), "tokens"),
        last,
    ]
