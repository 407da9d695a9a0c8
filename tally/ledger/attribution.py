"""Attribution: the difference between a day and the usual day, in parts that add up exactly."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tally.core.amounts import round_amount
from tally.ledger.rates import Rates
from tally.pricing.usage import MILLION

ZERO = Fraction(0)
PARTS = ("volume", "mix", "cache", "price", "rest")


class Model(NamedTuple):
    """A model and the slug of its provider."""

    provider: str
    name: str


class Usage(NamedTuple):
    """Cost and tokens; `tokens` is 0 where not all of them were counted."""

    cost_usd: Decimal
    tokens: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Attribution:
    """Parts of the difference in US dollars; negative where the day cost less than usual."""

    volume: Decimal
    mix: Decimal
    cache: Decimal
    price: Decimal
    rest: Decimal

    @property
    def parts(self) -> dict[str, Decimal]:
        """Every part by name."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> Decimal:
        """Sum of the parts."""
        return sum(self.parts.values(), Decimal(0))


FindRates = Callable[[Model], Rates | None]


class _Period(NamedTuple):
    """Daily cost and tokens."""

    cost_usd: Fraction
    tokens: Fraction


class _RateChange(NamedTuple):
    """Change of one model's cost at the tokens of the new day."""

    cost_at_old_rate: Fraction
    cache: Fraction
    price: Fraction


def attribute(
    before: Mapping[Model, Usage],
    days_before: int,
    day: Mapping[Model, Usage],
    difference_usd: Decimal,
    rates_of: FindRates,
) -> Attribution:
    """Attribute the difference between a day and the mean of the days before it.

    Volume: more or fewer tokens at the earlier average rate. Mix: their shift between models of different
    rates; a new model counts at its own rate. Cache: the change of the cached share of a model's input, at
    list prices. Price: other changes of a model's rate. Rest: everything without tokens.
    """
    counted = [model for model in {**before, **day} if _is_counted(before, model) and _is_counted(day, model)]
    usual, today = _sum(before, counted, days_before), _sum(day, counted, 1)
    average_rate = _divide(*(usual if usual.tokens else today))
    changes = [
        _compare_rates(before.get(model), day[model], rates_of(model)) for model in counted if model in day
    ]
    known = {
        "volume": _to_usd((today.tokens - usual.tokens) * average_rate),
        "mix": _to_usd(sum((c.cost_at_old_rate for c in changes), ZERO) - today.tokens * average_rate),
        "cache": _to_usd(sum((c.cache for c in changes), ZERO)),
        "price": _to_usd(sum((c.price for c in changes), ZERO)),
    }
    return Attribution(**known, rest=difference_usd - sum(known.values(), Decimal(0)))


def _compare_rates(old: Usage | None, new: Usage, rates: Rates | None) -> _RateChange:
    rate = _rate(old) if old and old.tokens else _rate(new)
    cost_at_old_rate = rate * new.tokens
    cache = _calculate_cache_change(old, new, rates) if old else ZERO
    return _RateChange(cost_at_old_rate, cache, Fraction(new.cost_usd) - cost_at_old_rate - cache)


def _is_counted(usages: Mapping[Model, Usage], model: Model) -> bool:
    usage = usages.get(model)
    return usage is None or usage.tokens > 0 or not usage.cost_usd


def _sum(usages: Mapping[Model, Usage], models: Iterable[Model], days: int) -> _Period:
    chosen = [usages[model] for model in models if model in usages]
    cost_usd = sum((Fraction(usage.cost_usd) for usage in chosen), ZERO)
    return _Period(cost_usd / days, Fraction(sum(usage.tokens for usage in chosen), days))


def _rate(usage: Usage) -> Fraction:
    return _divide(Fraction(usage.cost_usd), Fraction(usage.tokens))


def _divide(cost_usd: Fraction, tokens: Fraction) -> Fraction:
    return cost_usd / tokens if tokens else ZERO


def _calculate_cache_change(old: Usage, new: Usage, rates: Rates | None) -> Fraction:
    """Cost of the change in the cached share of the input, negative for a larger share."""
    if rates is None or not old.input_tokens or not new.input_tokens:
        return ZERO
    old_share = Fraction(old.cached_input_tokens, old.input_tokens)
    new_share = Fraction(new.cached_input_tokens, new.input_tokens)
    return (new_share - old_share) * new.input_tokens * Fraction(rates.cached - rates.uncached) / MILLION


def _to_usd(amount: Fraction) -> Decimal:
    return round_amount(Decimal(amount.numerator) / Decimal(amount.denominator))
