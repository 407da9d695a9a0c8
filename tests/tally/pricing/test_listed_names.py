"""Canonical names against the whole price list: none hides a price, and almost all lead to one."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from tally.catalog.models import ModelName, canonical_model, read_model_name
from tally.pricing.list_prices import price, price_model
from tally.pricing.listed_models import PRICE_PROVIDERS
from tally.pricing.usage import ModelRef, Usage

NOVEMBER = datetime(2026, 11, 1, 12, tzinfo=UTC)
USAGE = Usage(1_000, 1_000)
MAKERS = ("anthropic", "openai", "google", "xai", "deepseek", "zai", "moonshot", "minimax", "mistral")
WORLDWIDE = "global."  # Amazon's prices differ by place, which is part of the name as written


def listed_names(model: types.ModelInfo) -> set[str]:
    """The id of a listed model and the names that mean it."""
    return {model.id, *_equal_names(model.match)}


def _equal_names(clause: object) -> Iterator[str]:
    if isinstance(clause, types.ClauseEquals):
        yield clause.equals
    elif isinstance(clause, types.ClauseOr):
        for part in clause.or_:
            yield from _equal_names(part)


def rates(model: types.ModelInfo) -> tuple[object, ...]:
    """Prices of input and output of a short request."""
    prices = model.get_prices(NOVEMBER)
    found = (prices.input_mtok, prices.output_mtok)
    return tuple(rate.base if isinstance(rate, types.TieredPrices) else rate for rate in found)


def test_every_listed_name_is_stable() -> None:
    names = {
        name for provider in get_snapshot().providers for m in provider.models for name in listed_names(m)
    }
    assert len(names) > 2_000
    unstable = {
        name for name in names if read_model_name(canonical_model(name)) != (canonical_model(name), ())
    }
    assert not unstable


def test_models_of_different_prices_keep_different_names() -> None:
    hidden = []
    for provider in get_snapshot().providers:
        # Names with and without a maker are two generations of one provider's list.
        found: dict[tuple[ModelName, bool, bool], set[tuple[object, ...]]] = defaultdict(set)
        for model in provider.models:
            for name in listed_names(model):
                key = read_model_name(name), "/" in name, name.startswith(WORLDWIDE)
                found[key].add(rates(model))
        hidden += [(provider.id, *key) for key, prices in found.items() if len(prices) > 1]
    assert not hidden


def test_almost_all_listed_names_have_a_price() -> None:
    priced = {
        (slug, name): price_model(ModelRef(slug, name, canonical_model(name)), USAGE, NOVEMBER).cost_usd
        for slug, model in priced_models()
        for name in listed_names(model)
    }
    assert len(priced) > 1_500
    unpriced = [name for name, cost_usd in priced.items() if cost_usd is None]
    assert len(unpriced) <= len(priced) * Decimal("0.02"), unpriced


def test_canonical_name_of_a_makers_model_has_its_price() -> None:
    prices = {
        (slug, name): (
            price(slug, model.id, USAGE, NOVEMBER),
            price(slug, canonical_model(name), USAGE, NOVEMBER),
        )
        for slug, model in priced_models()
        if slug in MAKERS
        for name in listed_names(model)
        if not read_model_name(name).conditions
    }
    assert len(prices) > 250
    others = [name for name, (listed, found) in prices.items() if found.cost_usd != listed.cost_usd]
    assert len(others) <= len(prices) * Decimal("0.02"), others


def priced_models() -> Iterator[tuple[str, types.ModelInfo]]:
    """Listed models whose tokens have a price, with Tally's name of the provider."""
    for slug, provider_id in PRICE_PROVIDERS.items():
        provider = next(provider for provider in get_snapshot().providers if provider.id == provider_id)
        for model in provider.models:
            if price(slug, model.id, USAGE, NOVEMBER).cost_usd is not None:
                yield slug, model
