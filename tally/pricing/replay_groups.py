"""Replayed requests that share their price list: their tokens are added up first, and priced once.

A list price is linear in tokens, so that the sum is exact. What has prices of its own, or counts besides
tokens, is priced one by one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tally.core.records import CostRecord
from tally.pricing.class_prices import ClassPrices, is_standard_price
from tally.pricing.estimate import BY_ROW, EXTRA_COUNTS, read_conditions, read_model, read_usage
from tally.pricing.list_prices import add_named, calculate_costs, find_list
from tally.pricing.model_aliases import MODEL_ALIAS
from tally.pricing.tokenizers import Range
from tally.pricing.usage import Usage
from tally.pricing.workspace_prices import WorkspacePrices

HOUR_WRITES = "cache_write_1h_tokens"
OTHER_COUNTS = frozenset(EXTRA_COUNTS) - {HOUR_WRITES}
MOST_TOKENS = 10**9  # of a request that certainly costs what a record may cost
SUMMED = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    HOUR_WRITES,
    "requests",
)

Find = Callable[[int, datetime], ClassPrices | None]


class Sums:
    """Tokens added up by the prices that they have."""

    def __init__(self) -> None:
        self._counts: dict[ClassPrices, list[int]] = {}
        self._usd = Decimal(0)

    def add_usd(self, usd: Decimal) -> None:
        """Add a request that was priced by itself."""
        self._usd += usd

    def add(self, prices: ClassPrices, usage: Usage) -> None:
        """Add the usage of a request that has these prices."""
        counts = self._counts.get(prices)
        if counts is None:
            counts = self._counts[prices] = [0] * len(SUMMED)
        counts[0] += usage.input_tokens
        counts[1] += usage.output_tokens
        counts[2] += usage.cached_input_tokens
        counts[3] += usage.cache_write_tokens
        counts[4] += usage.cache_write_1h_tokens
        counts[5] += usage.requests

    def price(self) -> Decimal:
        """The cost of all of them."""
        total = self._usd
        for prices, counts in self._counts.items():
            costs = calculate_costs(prices, Usage(**dict(zip(SUMMED, counts, strict=True))))
            total += sum((costs or {}).values(), Decimal(0))
        return total


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one model under the same conditions, on the model in its place."""

    find: Find
    tokens: Range
    answers: Range
    window: int | None  # the most input tokens that the model takes
    is_conditional: bool  # a tier was asked for, which may have no price

    @property
    def is_range(self) -> bool:
        """Check whether the least and the most differ."""
        return self.tokens.low != self.tokens.high or self.answers.low != self.answers.high

    def find_bounds(self, usage: Usage, at: datetime) -> tuple[tuple[ClassPrices, Usage], ...] | None:
        """The prices and tokens at the least and at the most; None where a class has no price."""
        low = self._bound(usage, at, self.tokens.low, self.answers.low)
        high = self._bound(usage, at, self.tokens.high, self.answers.high) if self.is_range else low
        return None if low is None or high is None else (low, high)

    def _bound(
        self, usage: Usage, at: datetime, tokens: Decimal, answers: Decimal
    ) -> tuple[ClassPrices, Usage] | None:
        stretched = stretch(usage, tokens, answers)
        prices = self.find(stretched.input_tokens, at)
        return None if prices is None or not _covers(prices, stretched) else (prices, stretched)

    def is_exact(self, prices: ClassPrices) -> bool:
        """False where the standard price stands for that of the tier that was asked for."""
        return not (self.is_conditional and is_standard_price(prices.note))


def stretch(usage: Usage, tokens: Decimal, answers: Decimal) -> Usage:
    """The usage with more or fewer tokens."""
    if tokens == answers == 1:
        return usage
    cached, written, hour = (
        int(count * tokens)
        for count in (usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens)
    )
    return usage._replace(
        input_tokens=max(round(usage.input_tokens * tokens), cached + written),
        output_tokens=round(usage.output_tokens * answers),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(hour, written),
    )


def read_plain(record: CostRecord, prices: WorkspacePrices) -> Usage | None:
    """The usage of a request that a list prices by its tokens alone; None for others."""
    metadata = record.metadata
    if prices.custom or prices.multipliers or not OTHER_COUNTS.isdisjoint(metadata):
        return None
    if metadata.get("price_source") == BY_ROW:
        return None
    usage = read_usage(record) if HOUR_WRITES in metadata else _read_tokens(record)
    return usage if 0 < usage.input_tokens + usage.output_tokens <= MOST_TOKENS else None


def _read_tokens(record: CostRecord) -> Usage:
    return Usage(
        record.input_tokens,
        record.output_tokens,
        record.cached_input_tokens,
        record.cache_write_tokens,
        requests=record.request_count or 1,
    )


def key_of(record: CostRecord) -> tuple[Any, ...]:
    """Equal for requests whose prices are those of the same list."""
    metadata: Mapping[str, Any] = record.metadata
    context = metadata.get("price_context")
    return (
        record.provider,
        record.model_name,
        str(metadata.get("model")),
        MODEL_ALIAS in metadata,
        str(metadata.get("price_tier")),
        str(context) if context else "",
    )


def find_of(moved: CostRecord) -> Find | None:
    """The prices of a request by its input tokens and its time; None where no list has its model."""
    model, conditions = read_model(moved), read_conditions(moved)
    conditions = add_named(conditions, model.name)
    context = tuple(conditions.context.items())
    try:
        for name in model.names:
            find = find_list(moved.provider, name, conditions.tier, context)
            if find(0, moved.timestamp) is not None:
                return find
    except Exception:
        return None  # priced one by one, where the reason is noted
    return None


def _covers(prices: ClassPrices, usage: Usage) -> bool:
    """Check whether each class of tokens that is used has a price."""
    by_class = prices.by_class
    uncached = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    return uncached >= 0 and not (
        (uncached and by_class["uncached"] is None)
        or (usage.output_tokens and by_class["output"] is None)
        or (usage.cached_input_tokens and by_class["cached"] is None)
        or (usage.cache_write_tokens > usage.cache_write_1h_tokens and by_class["cache_write"] is None)
        or (usage.cache_write_1h_tokens and by_class["cache_write_1h"] is None)
    )
