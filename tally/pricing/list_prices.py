"""What usage costs at list price on the day it happened, from the dated prices of `genai-prices`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, cast

import genai_prices
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from tally.pricing.corrections import CORRECTIONS

# Some models cost more in requests with a long context. Which tier a row is in is known from its one request
# ("request"), from the export ("short", "long"), or, for a sum of requests, not at all (then short).
Tier = Literal["request", "short", "long", "unknown"]

PRICE_SOURCE = "genai-prices"
PRICE_VERSION = genai_prices.__version__
MILLION = 1_000_000
NOON = time(12, tzinfo=UTC)
PRICE_PROVIDERS = {
    "anthropic": "anthropic",
    "claude-desktop": "anthropic",
    "openai": "openai",
    "chatgpt": "openai",
    "google": "google",
    "gemini-app": "google",
    "mistral": "mistral",
    "xai": "x-ai",
    "deepseek": "deepseek",
    "groq": "groq",
    "openrouter": "openrouter",
    "cursor": "cursor",
    "github-copilot": "github-copilot",
    "perplexity": "perplexity",
    "azure": "azure",
    "aws-bedrock": "aws",
    "together": "together",
    "fireworks": "fireworks",
    "cohere": "cohere",
    "elevenlabs": "elevenlabs",
}
# Whose own price lists name a few models of their own; the others they sell at their makers' list prices.
RESELLERS = frozenset({"cursor", "github-copilot"})


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request or many; input includes what was cached, cache writes include the 1-hour ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    web_searches: int = 0
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Priced:
    """A list price, None where none is known; `note` says what is uncertain about it."""

    cost_usd: Decimal | None
    price_source: str = PRICE_SOURCE
    price_version: str = PRICE_VERSION
    matched_model: str | None = None
    note: str | None = None
    usd_by_class: Mapping[str, Decimal] = field(default_factory=dict)  # of the classes it tells apart


@dataclass(frozen=True, slots=True)
class _Model:
    provider: types.Provider
    model: types.ModelInfo
    listed: types.ModelInfo  # before corrections
    has_variants: bool  # the provider's own; another's batch or tier says nothing of this provider
    changes_within_a_day: bool
    thresholds: tuple[int, ...]  # more input tokens than these make a request dearer

    def find_threshold(self, input_tokens: int, tier: Tier) -> int:
        """The highest threshold that a request passes, or -1."""
        if tier == "long":
            return self.thresholds[-1] if self.thresholds else -1
        if tier != "request":
            return -1
        return max((threshold for threshold in self.thresholds if input_tokens > threshold), default=-1)


@dataclass(frozen=True, slots=True)
class _Prices:
    """One model on one day: US dollars a million of each class, None where it has no price."""

    matched_model: str
    note: str | None
    exact: types.ModelPrice  # for what is in no class of ours
    by_class: Mapping[str, Decimal | None]
    per_request: Decimal


# Our classes, disjoint, as genai-prices wants a million of each to be told.
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
OTHER = "other"  # what each request costs beside its tokens, and what is not told apart by class
# The library prices at 0 what it knows no price for: without this key of its own a class is unpriced.
PRICE_KEYS = {"output": "output_mtok", "web_search": "web_searches_kcount"}


def price(
    provider: str,
    model: str,
    usage: Usage,
    at: datetime,
    *,
    tier: Tier = "request",
    context: Mapping[str, str] | None = None,
) -> Priced:
    """The list price of usage at that time; `context` names batch, tier or speed as genai-prices does."""
    try:
        provider_id, found = _find_listed(provider, model)
        if found is None:
            return Priced(None)
        prices = _load_prices(
            provider_id,
            model,
            at if found.changes_within_a_day else datetime.combine(at.date(), NOON),
            found.find_threshold(usage.input_tokens, tier),
            tier == "unknown",
            tuple((context or {}).items()),
        )
        by_class = _calculate(prices, usage)
        return Priced(
            None if by_class is None else sum(by_class.values(), Decimal(0)),
            matched_model=prices.matched_model,
            note=prices.note,
            usd_by_class=by_class or {},
        )
    except Exception as error:
        # Whatever a price library trips over, the usage itself is worth keeping.
        return Priced(None, note=f"the price could not be calculated: {error}"[:200])


def is_listed(provider: str, model: str) -> bool:
    """Whether there are prices of a model of this provider."""
    return _find_model(PRICE_PROVIDERS.get(provider), model) is not None


def has_tiers(provider: str, model: str) -> bool:
    """Whether long requests of a model cost more, so that a sum of requests cannot be priced as one."""
    found = _find_listed(provider, model)[1]
    return found is not None and bool(found.thresholds)


def _find_listed(provider: str, model: str) -> tuple[str | None, _Model | None]:
    """In the provider's own list, or, of who sells others' models, in any."""
    provider_id = PRICE_PROVIDERS.get(provider)
    found = _find_model(provider_id, model)
    if found is None and provider in RESELLERS:
        return None, _find_model(None, model)
    return provider_id, found


@lru_cache(10_000)
def _find_model(provider_id: str | None, model_ref: str) -> _Model | None:
    try:
        provider, model = get_snapshot().find_provider_model(model_ref, None, provider_id, None)
    except LookupError:
        return None
    is_own = any(model is own for own in provider.models)
    listed, model = model, _correct(f"{provider.id}/{model.id}", model)
    dated = [] if isinstance(model.prices, types.ModelPrice) else model.prices
    price_lists = (
        [model.prices] if isinstance(model.prices, types.ModelPrice) else [price.prices for price in dated]
    )
    price_lists += [variant.prices for variant in model.price_variants or ()]
    return _Model(
        provider,
        model,
        listed,
        is_own,
        any(isinstance(price.constraint, types.TimeOfDateConstraint) for price in dated),
        tuple(
            sorted(
                {
                    tier.start
                    for prices in price_lists
                    for value in vars(prices).values()
                    if isinstance(value, types.TieredPrices)
                    for tier in value.tiers
                }
            )
        ),
    )


def _correct(name: str, model: types.ModelInfo) -> types.ModelInfo:
    """The last of the prices that are valid counts: corrections come after the list's."""
    if name not in CORRECTIONS:
        return model
    listed = model.prices
    dated = [types.ConditionalPrice(prices=listed)] if isinstance(listed, types.ModelPrice) else listed
    return replace(model, prices=[*dated, *CORRECTIONS[name]])


@lru_cache(10_000)
def _load_prices(
    provider_id: str | None,
    model_ref: str,
    at: datetime,
    threshold: int,
    is_threshold_unknown: bool,
    context: tuple[tuple[str, str], ...],
) -> _Prices:
    found = _find_model(provider_id, model_ref)
    if found is None:
        raise LookupError(model_ref)
    provider, model = found.provider, found.model
    notes = []
    wanted = dict(context) if found.has_variants else {}
    asked = ", ".join(value for _, value in context)
    if context and not _has_variant(model, wanted, at):
        later = _find_later_variant(model, wanted, at)
        notes.append(
            f"{asked} price as of {later.date()}" if later else f"standard price: none is known for {asked}"
        )
        at = later or at
    prices = model.get_prices(at, cast(types.PriceContext, wanted) if wanted else None)
    if vars(model.get_prices(at)) != vars(found.listed.get_prices(at)):
        notes.append("as the provider published it, where the price list differs")
    flat = _pick_tier(prices, threshold)
    if is_threshold_unknown and vars(flat) != vars(prices):
        notes.append(
            "short-context price: requests summed here may have had longer contexts, which cost more"
        )
    per_request, by_class = _price_classes(tuple(vars(flat).items()))
    return _Prices(
        matched_model=f"{provider.id}/{model.id}",
        note="; ".join(notes) or None,
        exact=flat,
        by_class=by_class,
        per_request=per_request,
    )


def _has_variant(model: types.ModelInfo, context: Mapping[str, str], at: datetime) -> bool:
    return any(
        context.items() >= variant.when.items()
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    )


def _find_later_variant(model: types.ModelInfo, context: Mapping[str, str], at: datetime) -> datetime | None:
    """The day on which the list learnt of a variant that was there before: the standard price is the same."""
    starts = [
        datetime.combine(variant.constraint.start_date, time(12), UTC)
        for variant in model.price_variants or ()
        if context.items() >= variant.when.items()
        and isinstance(variant.constraint, types.StartDateConstraint)
        and variant.constraint.start_date > at.date()
    ]
    first = min(starts, default=None)
    return first if first and vars(model.get_prices(first)) == vars(model.get_prices(at)) else None


def _pick_tier(prices: types.ModelPrice, threshold: int) -> types.ModelPrice:
    """The same prices for requests of more input tokens than `threshold`, which is -1 for the shortest."""
    picked = {}
    for key, value in vars(prices).items():
        picked[key] = value
        if isinstance(value, types.TieredPrices):
            passed = [tier.price for tier in value.tiers if tier.start <= threshold]
            picked[key] = passed[-1] if passed else value.base
    return types.ModelPrice(**picked)


@lru_cache(10_000)
def _price_classes(flat: tuple[tuple[str, Any], ...]) -> tuple[Decimal, dict[str, Decimal | None]]:
    """What one request and each class cost: a model's prices are the same on most days."""
    prices = types.ModelPrice(**dict(flat))
    per_request = prices.calc_price(genai_prices.Usage())["total_price"]
    by_class = {
        name: None
        if getattr(prices, PRICE_KEYS.get(name, "input_mtok")) is None
        else prices.calc_price(genai_prices.Usage(**usage))["total_price"] - per_request
        for name, usage in CLASSES.items()
    }
    return per_request, by_class


def _calculate(prices: _Prices, usage: Usage) -> dict[str, Decimal] | None:
    """What each class of the usage costs, None where one has no price."""
    if usage.input_audio_tokens or usage.output_audio_tokens:
        return _calculate_exactly(prices, usage)
    by_class = {OTHER: prices.per_request * usage.requests} if prices.per_request else {}
    for name, count in _count_by_class(usage).items():
        if count:
            rate = prices.by_class[name]
            if rate is None:
                return None
            by_class[name] = rate * count / MILLION
    return by_class


def _count_by_class(usage: Usage) -> dict[str, int]:
    uncached = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    if uncached < 0:
        raise ValueError("more cached tokens than input tokens")
    return {
        "uncached": uncached,
        "cached": usage.cached_input_tokens,
        "cache_write": usage.cache_write_tokens - usage.cache_write_1h_tokens,
        "cache_write_1h": usage.cache_write_1h_tokens,
        "output": usage.output_tokens,
        "web_search": usage.web_searches,
    }


def _calculate_exactly(prices: _Prices, usage: Usage) -> dict[str, Decimal] | None:
    """As a whole: what is heard and said has classes of its own."""
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
