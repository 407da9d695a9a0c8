"""Why a day cost more or less than usual: parts that add up to the difference, to the last digit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tally.core.amounts import round_amount
from tally.ledger.reconcile import Rates
from tally.pricing.usage import MILLION

ZERO = Fraction(0)


class Model(NamedTuple):
    """A model of one provider, by the provider's slug."""

    provider: str
    name: str


class Usage(NamedTuple):
    """What was used and paid; `tokens` are 0 where nobody counted them, or not all."""

    cost_usd: Decimal
    tokens: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Attribution:
    """The parts in dollars of what a day cost beyond the usual; negative where it cost less."""

    volume: Decimal
    mix: Decimal
    cache: Decimal
    price: Decimal
    rest: Decimal

    @property
    def parts(self) -> dict[str, Decimal]:
        """Every part by its name."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> Decimal:
        """What the parts add up to."""
        return sum(self.parts.values(), Decimal(0))


PARTS = ("volume", "mix", "cache", "price", "rest")
FindRates = Callable[[Model], Rates | None]


def attribute(
    before: Mapping[Model, Usage],
    days_before: int,
    day: Mapping[Model, Usage],
    difference_usd: Decimal,
    rates_of: FindRates,
) -> Attribution:
    """The difference between a day and the mean of the days before it, by reason.

    Volume is more or fewer tokens at the average rate from before; mix is their shift between models of
    unlike rates, a model without a rate from before at its own; cache is the change of the cached share of a
    model's input, at list prices; price is what else changed in a model's rate. The rest has no tokens.
    """
    counted = [model for model in {**before, **day} if _is_counted(before, model) and _is_counted(day, model)]
    cost_before, tokens_before = _sum(before, counted, days_before)
    cost, tokens = _sum(day, counted, 1)
    average = cost_before / tokens_before if tokens_before else cost / tokens if tokens else ZERO
    volume = (tokens - tokens_before) * average
    at_old_rates = cache = price = ZERO
    for model in counted:
        if model not in day:
            continue
        old, new = before.get(model), day[model]
        rate = _rate(old) if old and old.tokens else _rate(new)
        at_old_rates += rate * new.tokens
        own = Fraction(new.cost_usd) - rate * new.tokens
        by_cache = _calculate_cache(old, new, rates_of(model)) if old else ZERO
        cache += by_cache
        price += own - by_cache
    mix = at_old_rates - tokens * average
    known = {
        "volume": _dollars(volume),
        "mix": _dollars(mix),
        "cache": _dollars(cache),
        "price": _dollars(price),
    }
    return Attribution(**known, rest=difference_usd - sum(known.values(), Decimal(0)))


def _is_counted(usages: Mapping[Model, Usage], model: Model) -> bool:
    usage = usages.get(model)
    return usage is None or usage.tokens > 0 or not usage.cost_usd


def _sum(usages: Mapping[Model, Usage], models: list[Model], days: int) -> tuple[Fraction, Fraction]:
    chosen = [usages[model] for model in models if model in usages]
    cost_usd = sum((Fraction(usage.cost_usd) for usage in chosen), ZERO)
    return cost_usd / days, Fraction(sum(usage.tokens for usage in chosen), days)


def _rate(usage: Usage) -> Fraction:
    return Fraction(usage.cost_usd) / usage.tokens if usage.tokens else ZERO


def _calculate_cache(old: Usage, new: Usage, rates: Rates | None) -> Fraction:
    """What the change of the cached share of the input costs, negative for more of it."""
    if rates is None or not old.input_tokens or not new.input_tokens:
        return ZERO
    was = Fraction(old.cached_input_tokens, old.input_tokens)
    now = Fraction(new.cached_input_tokens, new.input_tokens)
    return (now - was) * new.input_tokens * Fraction(rates.cached - rates.uncached) / MILLION


def _dollars(part: Fraction) -> Decimal:
    return round_amount(Decimal(part.numerator) / Decimal(part.denominator))
