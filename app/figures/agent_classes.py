"""Tokens and value of coding agents by class of token, and what reading from caches saved.

A record's cost is not split by class, so list prices split it: the classes of a day add up to its value.
Savings are those of the measure of Explore.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

from app.figures.agent_usage import ModelUse
from app.figures.currencies import Currency
from tally.pricing.cache_prices import find_saving
from tally.pricing.class_prices import ClassPrices
from tally.pricing.list_prices import find_prices
from tally.pricing.usage import MILLION, STANDARD, SUM_OF_REQUESTS, Conditions
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices

ZERO = Decimal(0)
CACHE_READ, CACHE_WRITE, OUTPUT, INPUT = "Cache read", "Cache write", "Output", "Input"
UNSPLIT = "Not split"  # without a list price
CLASSES = (CACHE_READ, CACHE_WRITE, OUTPUT, INPUT)
NOON = time(12, tzinfo=UTC)


class Counts(NamedTuple):
    """Tokens of a request or of several; input includes reads and writes, writes those of an hour."""

    input_tokens: int
    output_tokens: int
    cached: int
    written: int
    hour_written: int

    @property
    def uncached(self) -> int:
        """Input that was neither read from a cache nor written to one."""
        return max(self.input_tokens - self.cached - self.written, 0)


@dataclass(frozen=True, slots=True)
class ClassUse:
    """The tokens of a class, and their value by day."""

    tokens: int = 0
    by_day: Mapping[date, Decimal] = field(default_factory=dict)

    @property
    def value(self) -> Decimal:
        """The value of all days."""
        return sum(self.by_day.values(), ZERO)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The classes of a period, what caches saved, and the share of input that came from caches."""

    classes: Mapping[str, ClassUse]
    tokens_by_day: Mapping[str, Mapping[date, int]]
    saved: Decimal
    saved_by_day: Mapping[date, Decimal]
    cached_share: Decimal | None


def price_classes(prices: ClassPrices, counts: Counts) -> dict[str, Decimal] | None:
    """The list price of each class in US dollars; None where one that was used has no price."""
    rates = prices.by_class
    wanted = {
        CACHE_READ: ((counts.cached, rates["cached"]),),
        CACHE_WRITE: (
            (counts.written - counts.hour_written, rates["cache_write"]),
            (counts.hour_written, rates["cache_write_1h"]),
        ),
        OUTPUT: ((counts.output_tokens, rates["output"]),),
        INPUT: ((counts.uncached, rates["uncached"]),),
    }
    costs = dict.fromkeys(CLASSES, ZERO)
    for name, parts in wanted.items():
        for count, rate in parts:
            if count and rate is None:
                return None
            costs[name] += (rate or ZERO) * count / MILLION
    return costs


def find_class_prices(
    provider: str | None,
    model: str | None,
    at: datetime,
    input_tokens: int = 0,
    conditions: Conditions = STANDARD,
) -> ClassPrices | None:
    """The list prices of a model at a time; None without one, even where the price list fails."""
    if not provider or not model:
        return None
    try:
        return find_prices(provider, model, input_tokens, at, conditions)
    except Exception:
        return None  # as in pricing: a failure of the price library is no failure of the page


def count_tokens(use: ModelUse) -> Counts:
    """The counts of a model's day."""
    return Counts(
        use.input_tokens,
        use.output_tokens,
        use.cached_input_tokens,
        use.cache_write_tokens,
        use.hour_write_tokens,
    )


def split_classes(
    uses: Iterable[ModelUse], currency: Currency, prices: WorkspacePrices = LIST_PRICES
) -> ClassFigures:
    """Tokens and value by class and day."""
    values: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    tokens: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    saved: dict[date, Decimal] = defaultdict(Decimal)
    cached = of_input = 0
    for use in uses:
        counts = count_tokens(use)
        cached, of_input = cached + counts.cached, of_input + counts.input_tokens
        for name, count in zip(
            CLASSES, (counts.cached, counts.written, counts.output_tokens, counts.uncached), strict=True
        ):
            tokens[name][use.day] += count
        for name, value in _split_value(use, counts).items():
            values[name][use.day] += value
        if use.provider and use.model and counts.cached:
            rate = find_saving(use.provider, use.model, use.day, prices)
            saved[use.day] += currency.convert((rate or ZERO) * counts.cached / MILLION, use.day)
    names = (*CLASSES, UNSPLIT) if UNSPLIT in values else CLASSES
    return ClassFigures(
        {name: ClassUse(sum(tokens[name].values()), dict(values[name])) for name in names},
        {name: dict(by_day) for name, by_day in tokens.items()},
        sum(saved.values(), ZERO),
        dict(saved),
        Decimal(cached) / of_input if of_input else None,
    )


def _split_value(use: ModelUse, counts: Counts) -> dict[str, Decimal]:
    """A day's value by class."""
    value = use.money.value
    prices = find_class_prices(
        use.provider, use.model, datetime.combine(use.day, NOON), conditions=SUM_OF_REQUESTS
    )
    costs = prices and price_classes(prices, counts)
    listed = sum(costs.values(), ZERO) if costs else ZERO
    if prices is None or not costs or listed <= 0:
        return {UNSPLIT: value} if value else {}
    split = {name: value * cost / listed for name, cost in costs.items()}
    # The remainder of rounded divisions goes to the largest class, so that the sum is exact.
    largest = max(split, key=lambda name: split[name])
    split[largest] += value - sum(split.values(), ZERO)
    return split
