"""One model's prices on one day by class of token, from the dated prices of `genai-prices`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, cast

import genai_prices
from genai_prices import types

from tally.catalog.models import read_model_name
from tally.pricing.data_residency import RESIDENCY, find_residency
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
NOT_TOKENS = ("web_search",)
AT_STANDARD_PRICE = "standard price: "  # how notes begin of prices that are not known under conditions
PRICE_FIELDS = {"output": "output_mtok", "web_search": "web_searches_kcount"}


class PriceQuery(NamedTuple):
    """Everything that a set of prices depends on; a tuple, because it is the key of the cache."""

    provider_id: str | None
    model: str
    at: datetime
    threshold: int
    is_tier_unknown: bool
    context: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ClassPrices:
    """US dollars per million tokens by class, None where a class has no price; hashed by identity."""

    matched_model: str
    note: str | None
    exact: types.ModelPrice  # for audio, which none of the classes covers
    by_class: Mapping[str, Decimal | None]
    per_request: Decimal


# Models on the user's own machine.
FREE = ClassPrices(
    "local",
    note=None,
    exact=types.ModelPrice(
        input_mtok=Decimal(0),
        output_mtok=Decimal(0),
        input_audio_mtok=Decimal(0),
        output_audio_mtok=Decimal(0),
    ),
    by_class=dict.fromkeys(CLASSES, Decimal(0)),
    per_request=Decimal(0),
)


@lru_cache(10_000)
def load_prices(query: PriceQuery) -> ClassPrices:
    """The prices of a listed model; raises LookupError for a model that is not listed."""
    found = find_model(query.provider_id, query.model)
    if found is None:
        raise LookupError(query.model)
    residency, residency_note = find_residency(found, dict(query.context).get(RESIDENCY))
    # A listed model such as `claude-opus-4.8-fast` has the price of its name's conditions.
    own = read_model_name(found.model.id).conditions
    context = {key: value for key, value in query.context if key != RESIDENCY and (key, value) not in own}
    standard = found.model.get_prices(query.at)
    flat, variant_note = _find_variant(found, context, query) if context else (_pick(standard, query), "")
    notes = [variant_note, residency_note, _note_correction(found, query), _note_tier(query, standard)]
    per_request, by_class = _price_classes(tuple(vars(flat).items()))
    return ClassPrices(
        matched_model=found.full_name,
        note="; ".join(filter(None, notes)) or None,
        exact=flat,
        by_class={
            name: usd if usd is None or name in NOT_TOKENS else usd * residency
            for name, usd in by_class.items()
        },
        per_request=per_request,
    )


def _find_variant(
    found: ListedModel, context: Mapping[str, str], query: PriceQuery
) -> tuple[types.ModelPrice, str]:
    """The prices under conditions, and a note unless they are known for the time of the usage."""
    names = ", ".join(context.values())
    model, standard = found.model, _pick(found.model.get_prices(query.at), query)
    at = _find_time(model, context, query.at) if found.has_variants else None
    if at is None:
        return standard, f"{AT_STANDARD_PRICE}none is known for {names}"
    tiered = model.get_prices(at, cast(types.PriceContext, dict(context)))
    if "service_tier" in context and _is_long(model.get_prices(at), query) and not _is_long(tiered, query):
        return standard, f"{AT_STANDARD_PRICE}long contexts are not part of {names}"
    flat, standard_then = _pick(tiered, query), _pick(model.get_prices(at), query)
    if at == query.at:
        return flat, ""
    if vars(standard_then) == vars(standard):
        return flat, f"{names} price as of {at.date()}"
    return _scale(standard, standard_then, flat), f"{names} price in proportion to that as of {at.date()}"


def is_standard_price(note: str | None) -> bool:
    """True if the note of a price says that it is the standard one, as none is known under the conditions."""
    return note is not None and note.startswith(AT_STANDARD_PRICE)


def _scale(
    standard: types.ModelPrice, standard_then: types.ModelPrice, variant_then: types.ModelPrice
) -> types.ModelPrice:
    """The standard price, changed by as much as the variant's differed from the standard one."""
    scaled = dict(vars(standard))
    for key, usd in vars(standard_then).items():
        other, now = getattr(variant_then, key), scaled[key]
        if isinstance(usd, Decimal) and usd and isinstance(other, Decimal) and isinstance(now, Decimal):
            scaled[key] = round(now * other / usd, 10)
    return types.ModelPrice(**scaled)


def _find_time(model: types.ModelInfo, context: Mapping[str, str], at: datetime) -> datetime | None:
    """The time itself if a variant is valid then, else the first later day with one."""
    starts = []
    for variant in model.price_variants or ():
        if context.items() >= variant.when.items():
            if variant.constraint is None or variant.constraint.active(at):
                return at
            if isinstance(variant.constraint, types.StartDateConstraint):
                starts.append(datetime.combine(variant.constraint.start_date, NOON))
    return min(starts, default=None)


def _is_long(prices: types.ModelPrice, query: PriceQuery) -> bool:
    """Check whether a request of this length costs more than a short one."""
    tiered = prices.input_mtok
    return isinstance(tiered, types.TieredPrices) and any(
        tier.start <= query.threshold for tier in tiered.tiers
    )


def _note_correction(found: ListedModel, query: PriceQuery) -> str:
    ours, listed = (_pick(model.get_prices(query.at), query) for model in (found.model, found.uncorrected))
    is_corrected = vars(ours) != vars(listed)
    return "as the provider published it, where the price list differs" if is_corrected else ""


def _note_tier(query: PriceQuery, standard: types.ModelPrice) -> str:
    if not query.is_tier_unknown or vars(_pick(standard, query)) == vars(standard):
        return ""
    return "short-context price: requests summed here may have had longer contexts, which cost more"


def _pick(prices: types.ModelPrice, query: PriceQuery) -> types.ModelPrice:
    """The prices for requests with more input tokens than the query's threshold."""
    picked = {}
    for key, value in vars(prices).items():
        picked[key] = value
        if isinstance(value, types.TieredPrices):
            exceeded = [tier.price for tier in value.tiers if tier.start <= query.threshold]
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
