"""Prices of the catalogue's models at a workspace's own mix of classes of tokens; its own prices win."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tally.catalog.entries import Entry, Prices
from tally.catalog.search import price_at_mix
from tally.pricing.custom_prices import CustomPrice, CustomPrices

# For a workspace without tokens of its own.
USUAL_MIX: Mapping[str, Decimal] = {"input": Decimal("0.75"), "output": Decimal("0.25")}


class PricedEntry(NamedTuple):
    """A model with its prices of a day; `is_own` where they are the workspace's."""

    entry: Entry
    prices: Prices
    at_mix: Decimal | None
    is_own: bool = False


def find_mix(
    input_tokens: int, cached_tokens: int, written_tokens: int, output_tokens: int
) -> Mapping[str, Decimal] | None:
    """Shares of the classes, from counts whose input includes what was read from and written to caches."""
    uncached = max(input_tokens - cached_tokens - written_tokens, 0)
    counts = {
        "input": uncached,
        "cached": cached_tokens,
        "cache_write": written_tokens,
        "output": output_tokens,
    }
    total = Decimal(sum(counts.values()))
    return {name: count / total for name, count in counts.items()} if total else None


def price_entry(entry: Entry, mix: Mapping[str, Decimal], custom: CustomPrices, day: date) -> PricedEntry:
    """The prices of a model on a day: a custom one where no list has any, or where it replaces them."""
    listed = entry.find_prices(day)
    own = custom.find_on(entry.provider, entry.model, day) if custom else None
    if own is None or (listed and not own.replaces_list):
        return PricedEntry(entry, listed, price_at_mix(listed, mix))
    prices = _list_own(own)
    return PricedEntry(entry, prices, price_at_mix(prices, mix), is_own=True)


def price_entries(
    entries: Iterable[Entry], mix: Mapping[str, Decimal], custom: CustomPrices, day: date
) -> list[PricedEntry]:
    """Models with their prices, the cheapest at the mix first, those without a price last."""
    priced = [price_entry(entry, mix, custom, day) for entry in entries]
    return sorted(priced, key=lambda each: (each.at_mix is None, each.at_mix or 0, each.entry.key))


def _list_own(price: CustomPrice) -> Prices:
    amounts = {
        "input": price.input_usd_per_mtok,
        "cached": price.cached_input_usd_per_mtok,
        "cache_write": price.cache_write_usd_per_mtok,
        "cache_write_1h": price.cache_write_1h_usd_per_mtok,
        "output": price.output_usd_per_mtok,
    }
    return {name: usd for name, usd in amounts.items() if usd is not None}
