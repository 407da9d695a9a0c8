"""Variance analysis: a unit's bill less its estimate, in parts that add up exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import NamedTuple, Self

from tally.core.amounts import round_amount
from tally.core.records import REQUESTS
from tally.ledger.rates import Rates
from tally.ledger.statements import (
    ZERO,
    Statement,
    classify_tokens,
    find_bill,
    select_estimates,
    sum_usd,
)

CREDITS = ("credit", "adjustment")
PARTS = ("volume", "cache", "tier", "tax", "credits", "rest")


@dataclass(frozen=True, slots=True)
class Variance:
    """Billed less estimated US dollars; the parts add up to it, to the last digit."""

    billed_usd: Decimal = ZERO
    estimated_usd: Decimal = ZERO
    volume: Decimal = ZERO  # usage counted on one side only
    cache: Decimal = ZERO
    tier: Decimal = ZERO
    tax: Decimal = ZERO
    credits: Decimal = ZERO
    rest: Decimal = ZERO
    unpriced_records: int = 0

    @property
    def total(self) -> Decimal:
        """Positive when the bill is higher."""
        return self.billed_usd - self.estimated_usd

    @property
    def parts(self) -> dict[str, Decimal]:
        """Every part by name."""
        return {name: getattr(self, name) for name in PARTS}

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def explain_variance(statements: Sequence[Statement], estimator: str, rates: Rates | None) -> Variance:
    """Compare the bill of a unit with the estimate of one dataset; `rates` are the list prices of its model.

    Volume is usage that the estimator missed: what the fullest dataset counted beyond it, at the estimate's
    price. Where only single requests were counted, the variance of the lines for input and output is volume
    too. Cache and tier are the variances of their lines; without such lines, they are part of the rest.
    """
    sides = _split_sides(statements, estimator)
    billed_usd, estimated_usd = sum_usd(sides.bill), sum_usd(sides.estimate)
    tax = sum_usd(line for line in sides.bill if line.charge_type == "tax")
    credits = sum_usd(line for line in sides.bill if line.charge_type in CREDITS)
    missed = _price_missed_usage(sides)
    lines = _compare_lines(sides.to_lines(estimated_usd + missed), rates)
    volume = missed + lines.plain if sides.fullest == REQUESTS and sides.estimate else missed
    rest = billed_usd - estimated_usd - volume - lines.cache - lines.tier - tax - credits
    unpriced = sum(statement.unpriced_records for statement in sides.estimate)
    return Variance(billed_usd, estimated_usd, volume, lines.cache, lines.tier, tax, credits, rest, unpriced)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Usage lines of a bill, and the estimates and token counts that they are compared with."""

    billed: Sequence[Statement]
    estimated: Sequence[Statement]
    counted: Sequence[Statement]
    estimated_usd: Decimal

    def is_special_on_both_sides(self) -> bool:
        """True when bill and estimate both separate special tiers."""
        return any(line.is_special for line in self.billed) and any(e.is_special for e in self.estimated)

    def split_special(self) -> tuple[Decimal, Self]:
        """Variance of the special tiers, and the lines without them."""
        special_usd = sum_usd(e for e in self.estimated if e.is_special)
        standard = replace(
            self,
            billed=[line for line in self.billed if not line.is_special],
            counted=[statement for statement in self.counted if not statement.is_special],
            estimated_usd=self.estimated_usd - special_usd,
        )
        return sum_usd(line for line in self.billed if line.is_special) - special_usd, standard

    def sum_billed(self, *kinds: str) -> Decimal:
        """Billed amount of these kinds of tokens."""
        return sum_usd(line for line in self.billed if classify_tokens(line.token_type) in kinds)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Effective statements of a unit by their role; `fullest` is the dataset that counted the most usage."""

    bill: Sequence[Statement]
    estimate: Sequence[Statement]
    fullest: str
    counted: Sequence[Statement]  # all statements of the fullest dataset

    @property
    def usage_lines(self) -> list[Statement]:
        """Lines of the bill other than taxes and credits."""
        return [line for line in self.bill if line.charge_type not in ("tax", *CREDITS)]

    @property
    def fullest_estimate(self) -> list[Statement]:
        """Estimates of the fullest dataset."""
        return select_estimates(self.counted, self.fullest)

    def to_lines(self, estimated_usd: Decimal) -> _Lines:
        """The sides line by line."""
        estimated = self.fullest_estimate or self.estimate
        return _Lines(self.usage_lines, estimated, self.counted, estimated_usd)


class _LineVariances(NamedTuple):
    tier: Decimal = ZERO
    cache: Decimal = ZERO
    plain: Decimal = ZERO  # input and output


def _split_sides(statements: Iterable[Statement], estimator: str) -> _Sides:
    effective = [statement for statement in statements if statement.is_effective]
    biller, fullest = find_bill(effective), _find_fullest(effective, estimator)
    return _Sides(
        bill=[s for s in effective if s.cost_basis == "billed" and s.dataset == biller],
        estimate=select_estimates(effective, estimator),
        fullest=fullest,
        counted=[s for s in effective if s.dataset == fullest],
    )


def _find_fullest(statements: Iterable[Statement], estimator: str) -> str:
    """The dataset with the most tokens or, without tokens, requests; the estimator wins a tie."""
    counts: dict[str, tuple[int, int]] = {estimator: (0, 0)}
    for statement in statements:
        tokens, requests = counts.get(statement.dataset, (0, 0))
        counts[statement.dataset] = (tokens + statement.tokens, requests + statement.requests)

    def rank(dataset: str) -> tuple[int, int, bool]:
        tokens, requests = counts[dataset]
        return tokens, 0 if tokens else requests, dataset == estimator

    return max(counts, key=rank)


def _price_missed_usage(sides: _Sides) -> Decimal:
    """US dollars of the usage that the estimator missed."""
    fuller = sides.fullest_estimate
    if fuller and not any(statement.unpriced_records for statement in (*fuller, *sides.estimate)):
        return sum_usd(fuller) - sum_usd(sides.estimate)
    if not sides.estimate:
        return sum_usd(filter(_is_for_tokens, sides.usage_lines))
    seen = sum(statement.tokens for statement in sides.estimate)
    counted = sum(statement.tokens for statement in sides.counted)
    return round_amount(sum_usd(sides.estimate) * (counted - seen) / seen) if seen else ZERO


def _is_for_tokens(line: Statement) -> bool:
    """False for charges such as web searches, which may be included in another model's estimate."""
    return line.tokens > 0 or classify_tokens(line.token_type) != ""


def _compare_lines(lines: _Lines, rates: Rates | None) -> _LineVariances:
    if not any(classify_tokens(line.token_type) for line in lines.billed):
        return _LineVariances()
    tier = ZERO
    if lines.is_special_on_both_sides():
        tier, lines = lines.split_special()
    cache_share = _calculate_cache_share(lines.counted, rates) if rates else None
    if cache_share is None:
        return _LineVariances(tier)
    cache_usd = round_amount(lines.estimated_usd * cache_share)
    cache = lines.sum_billed("cache") - cache_usd
    plain = lines.sum_billed("input", "output") - (lines.estimated_usd - cache_usd)
    return _LineVariances(tier, cache, plain)


def _calculate_cache_share(statements: Iterable[Statement], rates: Rates) -> Decimal | None:
    """Cached tokens' share of the list price of all tokens; None without any."""
    cached = plain = ZERO
    for statement in statements:
        uncached = statement.input_tokens - statement.cached_input_tokens - statement.cache_write_tokens
        cached += rates.cached * statement.cached_input_tokens
        cached += rates.cache_write * statement.cache_write_tokens
        plain += rates.uncached * uncached + rates.output * statement.output_tokens
    return cached / (cached + plain) if cached + plain > 0 else None
