"""List prices of usage on the day it happened, from the dated prices of `genai-prices`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import genai_prices

from tally.catalog.hosts import LOCAL
from tally.catalog.models import read_model_name
from tally.pricing.class_prices import CLASSES, FREE, NOON, ClassPrices, PriceQuery, load_prices
from tally.pricing.listed_models import find_listed
from tally.pricing.usage import MILLION, STANDARD, Conditions, ModelRef, Tier, Usage

PRICE_SOURCE = "genai-prices"
PRICE_VERSION = genai_prices.__version__
OTHER = "other"  # fees per request, and amounts that are not split by class
MAX_NOTE = 200
FREE_VARIANT = ":free"  # of a model at OpenRouter
PER_MILLION = Decimal(MILLION)


class Priced(NamedTuple):
    """The price of usage, None where it is unknown; `note` explains what is uncertain about it."""

    cost_usd: Decimal | None
    price_source: str = PRICE_SOURCE
    price_version: str | None = PRICE_VERSION
    matched_model: str | None = None
    note: str | None = None
    usd_by_class: Mapping[str, Decimal] = MappingProxyType({})
    multiplier: Decimal | None = None  # of the list price, which is in `list_usd` then
    list_usd: Decimal | None = None


def price_model(model: ModelRef, usage: Usage, at: datetime, conditions: Conditions = STANDARD) -> Priced:
    """The list price by the first of a model's names that has one, else the last result."""
    conditions, priced = add_named(conditions, model.name), Priced(None)
    for name in model.names:
        priced = price(model.provider, name, usage, at, conditions)
        if priced.cost_usd is not None:
            break
    return priced


def add_named(conditions: Conditions, written: str) -> Conditions:
    """The conditions, and those that are part of a name as it is written (`-fast`)."""
    named = read_model_name(written).conditions
    return replace(conditions, context={**dict(named), **conditions.context}) if named else conditions


def price(provider: str, model: str, usage: Usage, at: datetime, conditions: Conditions = STANDARD) -> Priced:
    """The list price of usage at that time; an unknown price is a result, never an exception."""
    try:
        prices = find_prices(provider, model, usage.input_tokens, at, conditions)
        if prices is None:
            return Priced(None)
        by_class = calculate_costs(prices, usage)
        return Priced(
            None if by_class is None else sum(by_class.values(), Decimal(0)),
            matched_model=prices.matched_model,
            note=prices.note,
            usd_by_class=by_class or {},
        )
    except Exception as error:
        # No failure of the price library may lose the usage itself.
        return Priced(None, note=f"the price could not be calculated: {error}"[:MAX_NOTE])


def find_prices(
    provider: str, model: str, input_tokens: int, at: datetime, conditions: Conditions = STANDARD
) -> ClassPrices | None:
    """The prices of a request's classes of tokens, None for an unlisted model; equal ones are one object."""
    return find_list(provider, model, conditions.tier, tuple(conditions.context.items()))(input_tokens, at)


@lru_cache(10_000)
def find_list(
    provider: str, model: str, tier: Tier, context: tuple[tuple[str, str], ...]
) -> Callable[[int, datetime], ClassPrices | None]:
    """A function from input tokens and a time to the prices of a model, None for an unlisted one."""
    if provider == LOCAL or model.lower().endswith(FREE_VARIANT):
        return lambda _input_tokens, _at: FREE
    provider_id, found = find_listed(provider, model)
    if found is None:
        return lambda _input_tokens, _at: None

    def load(at: datetime, threshold: int) -> ClassPrices:
        return load_prices(PriceQuery(provider_id, model, at, threshold, tier == "unknown", context))

    @lru_cache(1_000)
    def load_day(day: date, threshold: int) -> ClassPrices:
        return load(datetime.combine(day, NOON), threshold)

    find_threshold = found.find_threshold
    if found.changes_within_a_day:
        return lambda input_tokens, at: load(at, find_threshold(input_tokens, tier))
    return lambda input_tokens, at: load_day(at.date(), find_threshold(input_tokens, tier))


def calculate_costs(prices: ClassPrices, usage: Usage) -> dict[str, Decimal] | None:
    """US dollars by class of the usage, of one or more requests; None where a class has no price."""
    if usage.input_audio_tokens or usage.output_audio_tokens:
        return _calculate_audio(prices, usage)
    by_class = {OTHER: prices.per_request * usage.requests} if prices.per_request else {}
    for name, count in zip(CLASSES, _count_by_class(usage), strict=True):
        if count:
            rate = prices.by_class[name]
            if rate is None:
                return None
            by_class[name] = rate * count / PER_MILLION
    return by_class


def _count_by_class(usage: Usage) -> tuple[int, int, int, int, int, int]:
    """The counts of CLASSES, in their order."""
    uncached = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    if uncached < 0:
        raise ValueError("more cached tokens than input tokens")
    return (
        uncached,
        usage.cached_input_tokens,
        usage.cache_write_tokens - usage.cache_write_1h_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.web_searches,
    )


def _calculate_audio(prices: ClassPrices, usage: Usage) -> dict[str, Decimal] | None:
    """One amount for everything: audio has its own classes, which only genai-prices separates."""
    needed = {
        "input_mtok": usage.input_tokens,
        "output_mtok": usage.output_tokens,
        "input_audio_mtok": usage.input_audio_tokens,
        "output_audio_mtok": usage.output_audio_tokens,
    }
    if any(count and getattr(prices.exact, key) is None for key, count in needed.items()):
        return None
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "input_audio_tokens": usage.input_audio_tokens,
        "cache_audio_read_tokens": usage.cached_audio_tokens,
        "output_audio_tokens": usage.output_audio_tokens,
        "web_searches": usage.web_searches,
    }
    reported = genai_prices.Usage(**{key: count for key, count in counts.items() if count})
    cost_usd = prices.exact.calc_price(reported)["total_price"]
    return {OTHER: cost_usd + prices.per_request * (usage.requests - 1)}
