"""Scenarios of past requests: another model, tier, cache or plan; and reading them from texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from tally.catalog.payees import find_payee
from tally.catalog.plans import OFFERS
from tally.core.errors import TallyError
from tally.core.records import CostRecord
from tally.pricing.listed_models import is_listed
from tally.pricing.tokenizers import SAME, UNSEEN_ANSWERS, Range, compare_tokenizers

CacheSetting = Literal["off", "5m", "1h"]
MOST_PLAN_USD = 100_000


@dataclass(frozen=True, slots=True)
class Target:
    """A model in place of another one; the ranges are None for the usual ones between the two."""

    model: str
    provider: str | None = None  # None: the same if it has the model, else the model's maker
    tokens: Range | None = None  # for the same text
    answers: Range | None = None  # lengths

    def find_ranges(self, model: str) -> tuple[Range, Range]:
        """The factors of tokens and of answers, in place of a model."""
        if self.model == model:
            return self.tokens or SAME, self.answers or SAME
        return self.tokens or compare_tokenizers(model, self.model), self.answers or UNSEEN_ANSWERS

    def find_provider(self, provider: str) -> str:
        """The provider of the model, in place of one of this provider."""
        return self.provider or _find_seller(provider, self.model)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The difference to what was. Without `models`, all requests are concerned."""

    models: Mapping[str, Target] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)  # processing or tier, as the price list names it
    cache: CacheSetting | None = None
    plan_usd: Decimal | None = None  # a month of a plan that covers all of them
    covers: tuple[str, str] | None = None  # the agent and the provider whose requests a plan covers
    project_id: str | None = None  # UNASSIGNED for those without one

    def concerns(self, record: CostRecord) -> bool:
        """Check whether a request would have been otherwise."""
        if self.covers and (record.metadata.get("agent"), record.provider) != self.covers:
            return False
        return not self.models or record.model_name in self.models


@lru_cache(1_000)
def _find_seller(provider: str, model: str) -> str:
    maker = find_payee(model)
    return maker if maker and not is_listed(provider, model) and is_listed(maker, model) else provider


def parse_target(text: str, tokens: Range | None = None, answers: Range | None = None) -> tuple[str, Target]:
    """The model and what replaces it in a text such as `gpt-5=gpt-5-mini` or `gpt-5=google/gemini-3-pro`.

    Raises TallyError.
    """
    model, equals, other = (part.strip() for part in text.partition("="))
    if not equals or not model or not other:
        raise TallyError("Name the model and the one in its place: --model gpt-5=gpt-5-mini")
    provider, slash, name = other.partition("/")
    target = (
        Target(name, provider, tokens, answers) if slash and name else Target(other, None, tokens, answers)
    )
    return model, target


def parse_range(text: str, option: str) -> Range:
    """A factor or two, such as `1.1` or `0.9-1.4`. Raises TallyError."""
    parts = [part.strip() for part in text.split("-")]
    try:
        numbers = [Decimal(part) for part in parts]
    except ArithmeticError:
        numbers = []
    is_valid = len(numbers) in (1, 2) and all(number.is_finite() and 0 < number <= 100 for number in numbers)
    if not is_valid or numbers[0] > numbers[-1]:
        raise TallyError(f"{option} is a factor or two, from 0 to 100, the smaller first: {option} 0.9-1.4")
    return Range(numbers[0], numbers[-1])


def parse_plan(text: str) -> Scenario:
    """A plan by its price in a month, or by the name of one that is known. Raises TallyError."""
    for covers, offers in OFFERS.items():
        for offer in offers:
            if offer.name.casefold() == text.strip().casefold():
                return Scenario(plan_usd=offer.usd, covers=covers)
    try:
        usd = Decimal(text.strip())
    except ArithmeticError:
        usd = Decimal("NaN")
    if not usd.is_finite() or not 0 <= usd <= MOST_PLAN_USD:
        names = ", ".join(offer.name for offers in OFFERS.values() for offer in offers)
        raise TallyError(
            f"A plan is one of {names}, or an amount in US dollars a month, from 0 to {MOST_PLAN_USD}:"
            " --plan 200"
        )
    return Scenario(plan_usd=usd)
