"""A replay in words: its outcome in a sentence, then what was left out and assumed."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from tally.core.text import plural
from tally.pricing.replay import Replayed
from tally.pricing.scenarios import Scenario
from tally.pricing.tokenizers import Range

Money = Callable[[Decimal], str]


def explain_nothing(found: Replayed, scenario: Scenario) -> str:
    """The reason why no request was replayed; empty where one was, or could have been."""
    if found.requests or any(part.unpriced and part.to_model != part.model for part in found.parts.values()):
        return ""
    if found.unpriced:
        names = ", ".join(sorted({part.model for part in found.parts.values()}))
        return (
            f"No price of {names} is known, so that nothing can be compared. Set a price on the page Prices."
        )
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


def list_assumptions(scenario: Scenario) -> Iterator[str]:
    """List what is taken for granted, with its range."""
    for model, target in scenario.models.items():
        tokens, answers = target.find_ranges(model)
        if target.model != model:
            yield (
                f"Assumed: the same text is {write_range(tokens)} times as many tokens for {target.model},"
                f" and its answers are {write_range(answers)} times as long. Whether it does the work as"
                " well, only an experiment can tell."
            )
    if scenario.cache in ("5m", "1h"):
        yield (
            "Assumed: at best calls of a conversation begin with what the call before had, which is then read"
            " from the cache; at worst calls read and write what they did. Calls without a conversation are"
            " left as they were."
        )
    if scenario.context:
        yield "Assumed: the answers can wait."


def list_notes(found: Replayed, scenario: Scenario, money: Money) -> Iterator[str]:
    """List what was left out, and how amounts come about."""
    parts = found.parts.values()
    if scenario.plan_usd is not None and found.plan_usd is not None:
        days = (found.last - found.first).days + 1
        whole = money(found.plan_usd)
        yield f"A plan of {money(scenario.plan_usd)} a month is {whole} in {plural(days, 'day')}."
        yield "What a plan allows is not public: it may cover less than this."
    if absent := sorted(set(scenario.models) - {part.model for part in parts}):
        yield f"No requests of {', '.join(absent)} since {found.first}."
    if found.unpriced:
        yield f"{_count(found.unpriced, 'was', 'were')} left out, without a price before or after."
    if found.included:
        usd = money(found.included_usd)
        yield f"{_count(found.included, 'was', 'were')} left out, worth {usd}: a plan covers what they cost."
    if too_long := sum(part.too_long for part in parts):
        yield f"{_count(too_long, 'is', 'are')} longer than the other model takes."
    if without := sum(part.without_tier for part in parts):
        yield f"{_count(without, 'stays', 'stay')} at the standard price: none is known in that tier."
    yield "Amounts of bills, and those that a tool told, change as their list prices do."


def _count(requests: int, one: str, more: str) -> str:
    return f"{plural(requests, 'request')} {one if requests == 1 else more}"


def write_range(factors: Range) -> str:
    """Factors as "1.1" or "0.9 to 1.4"."""
    low, high = factors
    return f"{low}" if low == high else f"{low} to {high}"
