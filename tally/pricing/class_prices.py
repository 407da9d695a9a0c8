"""One model's prices on one day by class of token, from the dated prices of `genai-prices`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, cast

import genai_prices
from genai_prices import types

from tally.pricing.listed_models import ListedModel, find_model
from tally.pricing.usage import MILLION

NOON = time(12, tzinfo=UTC)
# Tally's disjoint classes, each as the usage that genai-prices is asked to price: a million of it.
CLASSES: dict[str, dict[str, int]] = {
    "uncached": {"input_tokens": MILLION},
    "cached": {"input_tokens": MILLION, "cache_read_tokens": MILLION},
    "cache_write": {"input_tokens": MILLION, "cache_write_tokens": MILLION},
    "cache_write_1h": {
        "input_tokens": MILLION,
        "cache_write_tokens": MILLION,
        "cache_write_1h_tokens": MILLION,
    },
    "output": {"output_tokens": MILLION},
    "web_search": {"web_searches": MILLION},
}
# The library returns 0 for an unknown price, so a class is unpriced where its own field is empty.
PRICE_FIELDS = {"output": "output_mtok", "web_search": "web_searches_kcount"}


class PriceQuery(NamedTuple):
    """Everything that a set of prices depends on; a tuple, because it is the key of the cache."""

    provider_id: str | None
    model: str
    at: datetime
    threshold: int
    is_tier_unknown: bool
    context: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ClassPrices:
    """US dollars per million tokens by class, None where a class has no price."""

    matched_model: str
    note: str | None
    exact: types.ModelPrice  # for audio, which none of the classes covers
    by_class: Mapping[str, Decimal | None]
    per_request: Decimal


@lru_cache(10_000)
def load_prices(query: PriceQuery) -> ClassPrices:
    """The prices of a listed model; raises LookupError for a model that is not listed."""
    found = find_model(query.provider_id, query.model)
    if found is None:
        raise LookupError(query.model)
    variant = dict(query.context) if found.has_variants else {}
    at, variant_note = _resolve_variant(found, variant, query)
    tiered = found.model.get_prices(at, cast(types.PriceContext, variant) if variant else None)
    flat = _pick_tier(tiered, query.threshold)
    notes = [variant_note, _note_correction(found, at), _note_tier(query, flat, tiered)]
    per_request, by_class = _price_classes(tuple(vars(flat).items()))
    return ClassPrices(
        matched_model=found.full_name,
        note="; ".join(filter(None, notes)) or None,
        exact=flat,
        by_class=by_class,
        per_request=per_request,
    )


def _resolve_variant(
    found: ListedModel, variant: Mapping[str, str], query: PriceQuery
) -> tuple[datetime, str]:
    """The time whose prices apply, and a note if the requested variant has no price at the usage's time."""
    if not query.context or _has_variant(found.model, variant, query.at):
        return query.at, ""
    names = ", ".join(value for _, value in query.context)
    later = _find_later_variant(found.model, variant, query.at)
    if later is None:
        return query.at, f"standard price: none is known for {names}"
    return later, f"{names} price as of {later.date()}"


def _has_variant(model: types.ModelInfo, context: Mapping[str, str], at: datetime) -> bool:
    return any(
        context.items() >= variant.when.items()
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    )


def _find_later_variant(model: types.ModelInfo, context: Mapping[str, str], at: datetime) -> datetime | None:
    """The first later day with a price of a variant, unless the standard price changes before it."""
    starts = [
        datetime.combine(variant.constraint.start_date, NOON)
        for variant in model.price_variants or ()
        if context.items() >= variant.when.items()
        and isinstance(variant.constraint, types.StartDateConstraint)
        and variant.constraint.start_date > at.date()
    ]
    first = min(starts, default=None)
    return first if first and vars(model.get_prices(first)) == vars(model.get_prices(at)) else None


def _note_correction(found: ListedModel, at: datetime) -> str:
    is_corrected = vars(found.model.get_prices(at)) != vars(found.uncorrected.get_prices(at))
    return "as the provider published it, where the price list differs" if is_corrected else ""


def _note_tier(query: PriceQuery, flat: types.ModelPrice, tiered: types.ModelPrice) -> str:
    if not query.is_tier_unknown or vars(flat) == vars(tiered):
        return ""
    return "short-context price: requests summed here may have had longer contexts, which cost more"


def _pick_tier(prices: types.ModelPrice, threshold: int) -> types.ModelPrice:
    """The prices for requests with more input tokens than `threshold`."""
    picked = {}
    for key, value in vars(prices).items():
        picked[key] = value
        if isinstance(value, types.TieredPrices):
            exceeded = [tier.price for tier in value.tiers if tier.start <= threshold]
            picked[key] = exceeded[-1] if exceeded else value.base
    return types.ModelPrice(**picked)


@lru_cache(10_000)
def _price_classes(flat: tuple[tuple[str, Any], ...]) -> tuple[Decimal, dict[str, Decimal | None]]:
    """Prices of one request and of each class; cached, since a model's prices are the same on most days."""
    prices = types.ModelPrice(**dict(flat))
    per_request = prices.calc_price(genai_prices.Usage())["total_price"]
    by_class = {
        name: None
        if getattr(prices, PRICE_FIELDS.get(name, "input_mtok")) is None
        else prices.calc_price(genai_prices.Usage(**usage))["total_price"] - per_request
        for name, usage in CLASSES.items()
    }
    return per_request, by_class
