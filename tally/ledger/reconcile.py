"""Why a bill is not what was estimated: the variance of an account's day, in parts that add up to it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Self

from tally.core.amounts import round_amount
from tally.pricing.list_prices import price
from tally.pricing.usage import MILLION, Conditions, Usage

ZERO = Decimal(0)
REQUESTS = "requests"  # the dataset of single requests


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source said of an account's UTC day, model and kind of charge; no `model` is a sum of all.

    `stands` is false for words that another source says better and for those of a source that does not count.
    """

    day: date
    ledger: str
    model: str
    dataset: str
    cost_basis: str
    cost_usd: Decimal | None
    charge_type: str = "usage"
    token_type: str = ""
    is_special: bool = False  # batch, a long context or another price of its own
    stands: bool = True
    has_money: bool = False
    unpriced_records: int = 0
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    requests: int = 0


class Unit(NamedTuple):
    """What is compared: a model's day, or the whole day where somebody sums up all models."""

    ledger: str
    day: date
    model: str


class Rates(NamedTuple):
    """List prices of a million tokens of each class, which an estimate is split by."""

    uncached: Decimal
    cached: Decimal
    cache_write: Decimal
    output: Decimal


FindRates = Callable[[Unit], Rates | None]


@dataclass(frozen=True, slots=True)
class Variance:
    """Billed less estimated, and its parts: their sum is the variance, to the last digit."""

    billed_usd: Decimal = ZERO
    estimated_usd: Decimal = ZERO
    volume: Decimal = ZERO  # usage that only one of the two saw
    cache: Decimal = ZERO
    tier: Decimal = ZERO
    tax: Decimal = ZERO
    credits: Decimal = ZERO
    rest: Decimal = ZERO
    unpriced_records: int = 0

    @property
    def total(self) -> Decimal:
        """Positive where the bill is the larger one."""
        return self.billed_usd - self.estimated_usd

    @property
    def parts(self) -> dict[str, Decimal]:
        """Every part by its name."""
        return {name: getattr(self, name) for name in PARTS}

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


PARTS = ("volume", "cache", "tier", "tax", "credits", "rest")


def group_units(statements: Iterable[Statement]) -> dict[Unit, list[Statement]]:
    """Statements by what they are compared on, by the rule that the database settles by."""
    pages: dict[tuple[str, date], list[Statement]] = defaultdict(list)
    for statement in statements:
        pages[statement.ledger, statement.day].append(statement)
    units: dict[Unit, list[Statement]] = defaultdict(list)
    for (ledger, day), page in pages.items():
        is_whole_day = any(
            said.stands and not said.model and (said.cost_basis == "billed" or said.tokens + said.requests)
            for said in page
        )
        for said in page:
            units[Unit(ledger, day, "" if is_whole_day else said.model)].append(said)
    return units


def list_estimators(statements: Iterable[Statement]) -> list[str]:
    """The datasets that estimates come from, the one that saw the most tokens first."""
    seen: dict[str, int] = defaultdict(int)
    for said in statements:
        if said.stands and said.cost_basis == "estimated":
            seen[said.dataset] += said.tokens
    return sorted(seen, key=lambda dataset: (-seen[dataset], dataset != REQUESTS, dataset))


def find_bill(statements: Iterable[Statement]) -> str | None:
    """The dataset whose bill is the money of a unit."""
    bills = [said for said in statements if said.stands and said.cost_basis == "billed"]
    return next((said.dataset for said in sorted(bills, key=lambda said: not said.has_money)), None)


@lru_cache(10_000)
def find_rates(unit: Unit) -> Rates | None:
    """The list prices of the unit's model on its day; None where one is not known."""
    usages = (
        Usage(input_tokens=MILLION, requests=0),
        Usage(input_tokens=MILLION, cached_input_tokens=MILLION, requests=0),
        Usage(input_tokens=MILLION, cache_write_tokens=MILLION, requests=0),
        Usage(output_tokens=MILLION, requests=0),
    )
    provider, at = unit.ledger.partition(":")[0], datetime.combine(unit.day, time(12), UTC)
    prices = [price(provider, unit.model, usage, at, Conditions("short")).cost_usd for usage in usages]
    known = [cost_usd for cost_usd in prices if cost_usd is not None]
    return Rates(*known) if unit.model and len(known) == len(prices) else None


def explain_variance(
    unit: Unit, statements: Sequence[Statement], estimator: str, rates_of: FindRates = find_rates
) -> Variance:
    """The bill of a unit against what one dataset estimated, with what the other statements tell about why.

    Volume is what the estimator did not see: the worth of the tokens that only a fuller dataset has or, where
    its own requests are all there is, the difference on the bill's lines for input and output. Cache and tier
    are the differences on the lines for those; where a bill has no such lines they are in the rest.
    """
    standing = [said for said in statements if said.stands]
    bill = [said for said in standing if said.cost_basis == "billed" and said.dataset == find_bill(standing)]
    own = _select_estimates(standing, estimator)
    fullest = _find_fullest(standing, estimator)
    tax = _sum_usd(said for said in bill if said.charge_type == "tax")
    credits = _sum_usd(said for said in bill if said.charge_type in ("credit", "adjustment"))
    usage = [said for said in bill if said.charge_type not in ("tax", "credit", "adjustment")]
    volume = _calculate_missed(standing, own, fullest, usage)
    tier, cache, plain = _compare_lines(
        usage,
        _select_estimates(standing, fullest) or own,
        [said for said in standing if said.dataset == fullest],
        _sum_usd(own) + volume,
        rates_of(unit),
    )
    if fullest == REQUESTS and own:
        volume += plain
    billed_usd, estimated_usd = _sum_usd(bill), _sum_usd(own)
    rest = billed_usd - estimated_usd - volume - cache - tier - tax - credits
    unpriced = sum(said.unpriced_records for said in own)
    return Variance(billed_usd, estimated_usd, volume, cache, tier, tax, credits, rest, unpriced)


def _select_estimates(statements: Iterable[Statement], dataset: str) -> list[Statement]:
    return [said for said in statements if said.cost_basis == "estimated" and said.dataset == dataset]


def _find_fullest(statements: Iterable[Statement], estimator: str) -> str:
    """The dataset that saw the most, the estimator itself where no other saw more."""
    seen: dict[str, tuple[int, int]] = {estimator: (0, 0)}
    for said in statements:
        tokens, requests = seen.get(said.dataset, (0, 0))
        seen[said.dataset] = (tokens + said.tokens, requests + said.requests)

    def count(dataset: str) -> tuple[int, int, bool]:
        tokens, requests = seen[dataset]
        return tokens, 0 if tokens else requests, dataset == estimator

    return max(seen, key=count)


def _calculate_missed(
    statements: Sequence[Statement], own: Sequence[Statement], fullest: str, usage: Sequence[Statement]
) -> Decimal:
    """What the tokens that the estimator did not see are worth."""
    seen = sum(said.tokens for said in own)
    there = sum(said.tokens for said in statements if said.dataset == fullest)
    others = _select_estimates(statements, fullest)
    if others and not any(said.unpriced_records for said in (*others, *own)):
        return _sum_usd(others) - _sum_usd(own)
    if not own:
        # A charge for no tokens, such as a web search, may be part of an estimate on another model's line.
        return _sum_usd(said for said in usage if said.tokens or name_kind(said.token_type))
    if not seen:
        return ZERO
    return round_amount(_sum_usd(own) * (there - seen) / seen)


def _compare_lines(
    usage: Sequence[Statement],
    estimates: Sequence[Statement],
    seen: Sequence[Statement],
    estimated_usd: Decimal,
    rates: Rates | None,
) -> tuple[Decimal, Decimal, Decimal]:
    """Billed less estimated on the lines of a tier, on those for cached tokens, and on input and output."""
    kinds = {name_kind(said.token_type) for said in usage}
    if kinds <= {""}:
        return ZERO, ZERO, ZERO
    special = [said for said in estimates if said.is_special]
    tier = ZERO
    if special and any(said.is_special for said in usage):
        tier = _sum_usd(said for said in usage if said.is_special) - _sum_usd(special)
        usage = [said for said in usage if not said.is_special]
        seen = [said for said in seen if not said.is_special]
        estimated_usd -= _sum_usd(special)
    share = _share_of_cache(seen, rates) if rates else None
    if share is None:
        return tier, ZERO, ZERO
    cache_usd = round_amount(estimated_usd * share)
    cache = _sum_usd(said for said in usage if name_kind(said.token_type) == "cache") - cache_usd
    plain = _sum_usd(said for said in usage if name_kind(said.token_type) in ("input", "output"))
    return tier, cache, plain - (estimated_usd - cache_usd)


def _share_of_cache(seen: Iterable[Statement], rates: Rates) -> Decimal | None:
    """How much of the list price of these tokens is that of cached ones."""
    cached = plain = ZERO
    for said in seen:
        uncached = said.input_tokens - said.cached_input_tokens - said.cache_write_tokens
        cached += rates.cached * said.cached_input_tokens + rates.cache_write * said.cache_write_tokens
        plain += rates.uncached * uncached + rates.output * said.output_tokens
    return cached / (cached + plain) if cached + plain > 0 else None


def name_kind(token_type: str) -> str:
    """What kind of tokens a line of a bill is for, as providers name them; empty where it is for none."""
    named = token_type.lower().replace("uncached", "").replace("no_cache", "")
    return next((kind for kind in ("cache", "output", "input") if kind in named), "")


def _sum_usd(statements: Iterable[Statement]) -> Decimal:
    return sum((said.cost_usd for said in statements if said.cost_usd is not None), ZERO)
