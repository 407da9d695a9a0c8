"""The list of genai-prices, as Tally corrects it, as parts of catalogue entries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from genai_prices import types

from docs.litellm_list import TUNED, Key, write_decimal
from tally.catalog.hosts import find_host
from tally.catalog.models import read_model_name
from tally.pricing.corrections import CORRECTIONS
from tally.pricing.listed_models import PRICE_PROVIDERS

_CLASSES = {
    "input_mtok": "input",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}
_TIERS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
}
_SLUGS = {listed: slug for slug, listed in reversed(PRICE_PROVIDERS.items())}
_LITELLM_NAMES = {"voyageai": "voyage", "ovhcloud": "ovhcloud"}
_LEFT_OUT = {"openai-decisions"}  # answers of one token, priced as no model is

Dated = tuple[date | None, types.ModelPrice]


def take(providers: Sequence[types.Provider], day: date) -> dict[Key, dict[str, Any]]:
    """Parts of catalogue entries by provider and model, their prices those of a day."""
    groups: dict[Key, list[tuple[types.Provider, types.ModelInfo]]] = defaultdict(list)
    tuned: dict[Key, types.ModelInfo] = {}
    for provider in providers:
        if provider.id in _LEFT_OUT:
            continue
        slug = find_slug(provider.id)
        for model in provider.models:
            name = read_model_name(model.id.removeprefix(TUNED).rpartition("/")[2] or model.id)
            if model.id.startswith(TUNED):
                tuned[slug, name.name] = model
            elif not name.conditions:
                groups[slug, name.name].append((provider, model))
    found = {key: _describe(key[1], models, day) for key, models in groups.items()}
    for key, model in tuned.items():
        prices = found.setdefault(key, {}).setdefault("prices", {})
        prices |= _price_tuned(list(_list_dated("", model)), day)
    return found


def find_slug(listed: str) -> str:
    """Tally's slug of a provider of the list, or a name that LiteLLM's list has, too."""
    return _SLUGS.get(listed) or _LITELLM_NAMES.get(listed) or find_host(listed) or listed


def _describe(
    name: str, models: Sequence[tuple[types.Provider, types.ModelInfo]], day: date
) -> dict[str, Any]:
    """The facts of a model, from the entry whose name is plainest."""
    provider, told = min(models, key=lambda each: (each[1].id != name, len(each[1].id), each[1].id))
    dated = list(_list_dated(f"{provider.id}/{told.id}", told))
    prices = _price_on(dated, day)
    for variant in told.price_variants or ():
        tier = _TIERS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        if tier:
            prices[tier] = _split_tiers(variant.prices).get("standard", {})
    facts = {
        "title": told.name,
        "names": sorted({model.id for _, model in models if model.id != name}),
        "context": told.context_window,
        "can": sorted(tier for tier in ("batch", "flex", "priority") if tier in prices),
        "prices": {tier: found for tier, found in prices.items() if found},
        "history": _list_history(dated),
        "deprecated": told.deprecated,
    }
    return {field: value for field, value in facts.items() if value}


def _price_on(dated: Sequence[Dated], day: date) -> dict[str, dict[str, str]]:
    current = [price for since, price in dated if since is None or since <= day]
    return _split_tiers(current[-1]) if current else {}


def _price_tuned(dated: Sequence[Dated], day: date) -> dict[str, dict[str, str]]:
    """What models cost that were fine-tuned from one."""
    standard = _price_on(dated, day).get("standard")
    return {"tuned": standard} if standard else {}


def _list_dated(full_name: str, model: types.ModelInfo) -> Iterator[Dated]:
    """The prices that began on a day or were ever valid, in order; those of hours are no course."""
    prices = model.prices
    listed = [types.ConditionalPrice(prices=prices)] if isinstance(prices, types.ModelPrice) else prices
    for each in [*listed, *CORRECTIONS.get(full_name, ())]:
        if each.constraint is None:
            yield None, each.prices
        elif isinstance(each.constraint, types.StartDateConstraint):
            yield each.constraint.start_date, each.prices


def _list_history(dated: Sequence[Dated]) -> list[list[Any]]:
    """Days, and the prices since; nothing where there was only one price."""
    since: dict[date | None, dict[str, str]] = {
        start: _split_tiers(price).get("standard", {}) for start, price in dated
    }
    days = sorted(since, key=lambda start: start or date.min)
    course: list[list[Any]] = []
    for start in days:
        if not course or course[-1][1] != since[start]:
            course.append([start and start.isoformat(), since[start]])
    return course if len(course) > 1 or (course and course[0][0]) else []


def _split_tiers(price: types.ModelPrice) -> dict[str, dict[str, str]]:
    """Prices by tier and class: `standard`, and `above_200000` for long contexts."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for field, name in _CLASSES.items():
        value = getattr(price, field)
        if isinstance(value, types.TieredPrices):
            found["standard"][name] = write_decimal(value.base)
            for tier in value.tiers:
                found[f"above_{tier.start}"][name] = write_decimal(tier.price)
        elif isinstance(value, Decimal | int):
            found["standard"][name] = write_decimal(value)
    return dict(found)
