"""A replay in words: its outcome in a sentence, then what was left out and assumed."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from tally.core.text import plural
from tally.pricing.replay import Replayed
from tally.pricing.scenarios import Scenario

Money = Callable[[Decimal], str]


def explain_nothing(found: Replayed, scenario: Scenario) -> str:
    """The reason why no request was replayed; empty where one was, or could have been."""
    if found.parts:
        return ""
    if scenario.covers and found.others:
        return f"No calls of {scenario.covers[0]} at {scenario.covers[1]} since {found.first}."
    if scenario.models and found.others:
        names = ", ".join(scenario.models)
        return f"No requests of {names} since {found.first}. Models are named as on Records."
    if found.included:
        return f"Plans cover all {plural(found.included, 'request')} since {found.first}."
    return (
        f"No requests with tokens since {found.first}: costs alone cannot be priced otherwise. Collect logs"
        " with `tally collect`, or send telemetry."
    )


def write_outcome(found: Replayed, money: Money) -> str:
    """Write what was paid, and what it would have been."""
    low, high = found.after_usd
    would = money(low) if low == high else f"{money(low)} to {money(high)}"
    return (
        f"From {found.first} to {found.last} you paid {money(found.before_usd)}; it would have been {would}."
    )


def list_notes(found: Replayed, money: Money) -> Iterator[str]:
    """List what was left out, and what was assumed."""
    parts = found.parts.values()
    if found.unpriced:
        yield f"{plural(found.unpriced, 'request')} without a price, before or after, were left out."
    if found.included:
        usd = money(found.included_usd)
        yield f"{plural(found.included, 'request')} that a plan covers, worth {usd}, were left out."
    if too_long := sum(part.too_long for part in parts):
        yield f"{plural(too_long, 'request')} are longer than the other model takes."
    if without := sum(part.without_tier for part in parts):
        yield f"{plural(without, 'request')} stay at the standard price: none is known in that tier."
    if found.plan_usd is not None:
        yield "What a plan allows is not public: it may cover less than this."
    yield "Amounts of bills, and those that a tool told, change as their list prices do."
