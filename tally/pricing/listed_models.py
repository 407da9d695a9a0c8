"""Models of the `genai-prices` list, with Tally's corrections of their prices."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from tally.catalog.hosts import find_host
from tally.catalog.models import canonical_model
from tally.catalog.payees import find_payee
from tally.pricing.corrections import CORRECTIONS, NAMES, VARIANTS
from tally.pricing.usage import Tier

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
    "zai": "zai",
    "zhipuai": "zhipuai",
    "moonshot": "moonshotai",
    "minimax": "minimax",
    "cerebras": "cerebras",
    "baseten": "baseten",
    "novita": "novita",
    "cloudflare": "cloudflare",
    "databricks": "databricks",
}
# Their own lists name only their own models; they sell all others at the makers' list prices.
RESELLERS = frozenset({"cursor", "github-copilot"})
# Their models are sold by others, too.
MAKERS = (
    "anthropic",
    "openai",
    "google",
    "mistral",
    "xai",
    "deepseek",
    "cohere",
    "moonshot",
    "zai",
    "minimax",
)
NO_THRESHOLD = -1


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of the list; `thresholds` are the input tokens above which a request costs more, ascending."""

    provider: types.Provider
    model: types.ModelInfo
    uncorrected: types.ModelInfo
    has_variants: bool  # False if found in another provider's list, whose batch and tier prices do not apply
    changes_within_a_day: bool
    thresholds: tuple[int, ...]

    @property
    def full_name(self) -> str:
        """Provider and model as the list names them."""
        return f"{self.provider.id}/{self.model.id}"

    def find_threshold(self, input_tokens: int, tier: Tier) -> int:
        """The highest threshold that a request exceeds, or NO_THRESHOLD."""
        if tier == "long":
            return self.thresholds[-1] if self.thresholds else NO_THRESHOLD
        if tier != "request":
            return NO_THRESHOLD
        exceeded = bisect_left(self.thresholds, input_tokens)
        return self.thresholds[exceeded - 1] if exceeded else NO_THRESHOLD


@lru_cache(10_000)
def find_listed(provider: str, model: str) -> tuple[str | None, ListedModel | None]:
    """The list's provider id and model; for a reseller or an unknown provider, also the maker's."""
    provider_id = PRICE_PROVIDERS.get(provider)
    found = find_model(provider_id, model) if provider_id else None
    if found is None and (provider in RESELLERS or provider_id is None):
        maker_id = PRICE_PROVIDERS.get(find_payee(model))
        return maker_id, find_model(maker_id, model)
    return provider_id, found


def is_listed(provider: str, model: str) -> bool:
    """Check whether this provider's list, or the maker's for an unknown provider, has the model."""
    return find_listed(provider, model)[1] is not None


def find_context_window(provider: str, model: str) -> int | None:
    """The most tokens of one request, as far as the list knows."""
    try:
        found = find_listed(provider, model)[1]
    except Exception:
        return None  # no failure of the price library may end what asks
    return found.model.context_window if found else None


@lru_cache(100)
def list_models(provider: str) -> tuple[str, ...]:
    """Canonical names of the models that have a list price at a provider: its own, and those of makers."""
    ids = {PRICE_PROVIDERS.get(provider), *(PRICE_PROVIDERS[maker] for maker in MAKERS)}
    written = {model.id for listed in get_snapshot().providers if listed.id in ids for model in listed.models}
    names = {canonical_model(model_ref) for model_ref in written}
    return tuple(sorted(name for name in names if is_listed(provider, name)))


def has_tiers(provider: str, model: str) -> bool:
    """Check whether long requests of a model cost more, so that a sum of requests cannot be priced as one."""
    _, found = find_listed(provider, model)
    return found is not None and bool(found.thresholds)


@lru_cache(10_000)
def find_model(provider_id: str | None, model_ref: str) -> ListedModel | None:
    """The model that the list matches to a name, among all providers where `provider_id` is None."""
    listed = next(filter(None, (_look_up(provider_id, ref) for ref in _spellings(model_ref))), None)
    if listed is None:
        return None
    provider, model = listed
    corrected = _correct(f"{provider.id}/{model.id}", model)
    dated = [] if isinstance(corrected.prices, types.ModelPrice) else corrected.prices
    return ListedModel(
        provider,
        corrected,
        uncorrected=model,
        has_variants=any(model is own for own in provider.models),
        changes_within_a_day=any(isinstance(price.constraint, types.TimeOfDateConstraint) for price in dated),
        thresholds=tuple(sorted(set(_find_thresholds(_price_lists(corrected))))),
    )


def _spellings(model_ref: str) -> Iterator[str]:
    """The name, and others that a list may have for it: `anthropic/claude-sonnet-4.5` in OpenRouter's."""
    yield from _number_spellings(model_ref)
    if model_ref in NAMES:
        yield NAMES[model_ref]
    route, has_route, name = model_ref.rpartition("/")
    if has_route:
        yield from _number_spellings(f"{route}/{canonical_model(name)}")
        host, _, rest = model_ref.partition("/")
        if find_host(host):
            yield from _spellings(rest)


def _number_spellings(model_ref: str) -> Iterator[str]:
    yield model_ref
    yield f"{model_ref}-preview"
    yield re.sub(r"(?<=[0-9])\.(?=[0-9])", "-", model_ref)
    yield re.sub(r"(?<=[0-9])-(?=[0-9])", ".", model_ref)


def _look_up(provider_id: str | None, model_ref: str) -> tuple[types.Provider, types.ModelInfo] | None:
    try:
        return get_snapshot().find_provider_model(model_ref, None, provider_id, None)
    except LookupError:
        return None


def _correct(full_name: str, model: types.ModelInfo) -> types.ModelInfo:
    """Add corrections: of prices the last valid one applies, of variants the first."""
    if full_name in VARIANTS:
        model = replace(model, price_variants=[*VARIANTS[full_name], *(model.price_variants or ())])
    if full_name not in CORRECTIONS:
        return model
    listed = model.prices
    dated = [types.ConditionalPrice(prices=listed)] if isinstance(listed, types.ModelPrice) else listed
    return replace(model, prices=[*dated, *CORRECTIONS[full_name]])


def _price_lists(model: types.ModelInfo) -> Iterator[types.ModelPrice]:
    if isinstance(model.prices, types.ModelPrice):
        yield model.prices
    else:
        yield from (price.prices for price in model.prices)
    yield from (variant.prices for variant in model.price_variants or ())


def _find_thresholds(price_lists: Iterable[types.ModelPrice]) -> Iterator[int]:
    for prices in price_lists:
        for value in vars(prices).values():
            if isinstance(value, types.TieredPrices):
                yield from (tier.start for tier in value.tiers)
