"""Prices of a million tokens: by class, at a workspace's own mix of them, and how they changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

from tally.core.months import add_months
from tally.core.records import CostRecord, identity
from tally.pricing.estimate import price_record
from tally.pricing.workspace_prices import WorkspacePrices

TOKENS = 100_000  # of the request that is priced: more would be a long context at some providers
PER_MILLION = Decimal(1_000_000 // TOKENS)


class Mix(NamedTuple):
    """Shares of tokens by class, which add up to 1. Reasoning is output."""

    input: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal


ONLY_INPUT = Mix(Decimal(1), Decimal(0), Decimal(0), Decimal(0))
ONLY_CACHED = Mix(Decimal(0), Decimal(1), Decimal(0), Decimal(0))
ONLY_WRITTEN = Mix(Decimal(0), Decimal(0), Decimal(1), Decimal(0))
ONLY_OUTPUT = Mix(Decimal(0), Decimal(0), Decimal(0), Decimal(1))


class Model(NamedTuple):
    """A model as records name it."""

    provider: str
    name: str


class Prices(NamedTuple):
    """Dollars for a million tokens; None without a price."""

    input: Decimal | None
    cached: Decimal | None
    written: Decimal | None
    output: Decimal | None
    at_mix: Decimal | None


def find_mix(tokens: Mapping[str, Decimal]) -> Mix | None:
    """The mix of tokens by class as Explore names them; None without any that are split."""
    counts = (
        tokens.get("input", Decimal(0)),
        tokens.get("cache_read", Decimal(0)),
        tokens.get("cache_write", Decimal(0)),
        tokens.get("output", Decimal(0)) + tokens.get("reasoning", Decimal(0)),
    )
    total = sum(counts, Decimal(0))
    return Mix(*(count / total for count in counts)) if total else None


def find_prices(model: Model, mix: Mix, prices: WorkspacePrices, day: date) -> Prices:
    """The prices of a day, own ones where there are."""
    mixes = (ONLY_INPUT, ONLY_CACHED, ONLY_WRITTEN, ONLY_OUTPUT, mix)
    return Prices(*(price_million(model, each, prices, day) for each in mixes))


def follow_price(
    model: Model, mix: Mix, prices: WorkspacePrices, days: Sequence[date]
) -> list[Decimal | None]:
    """The price at a mix on each of these days."""
    return [price_million(model, mix, prices, day) for day in days]


def price_million(model: Model, mix: Mix, prices: WorkspacePrices, day: date) -> Decimal | None:
    """A million tokens in a mix, on a day."""
    cached, written, output = (round(share * TOKENS) for share in mix[1:])
    request = CostRecord(
        provider=model.provider,
        timestamp=datetime.combine(day, time(12), UTC),
        model_name=model.name,
        cost_usd=None,
        source_key=identity("price at a mix"),
        cost_basis="estimated",
        input_tokens=max(TOKENS - output, cached + written),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
    found = price_record(prices.aliases.apply(request), prices).cost_usd
    return None if found is None else found * PER_MILLION


def list_months(today: date, count: int) -> list[date]:
    """The first days of so many months, and today."""
    first = today.replace(day=1)
    days = [add_months(first, nth + 1 - count) for nth in range(count)]
    return days if today == first else [*days, today]
