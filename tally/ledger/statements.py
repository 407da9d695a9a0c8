"""Statements: what each source reported about a billing account's UTC day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tally.core.records import REQUESTS

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Statement:
    """A source's total for a day, model and kind of charge; an empty `model` means all models.

    `is_effective` is false when another statement supersedes it or its source is disabled.
    """

    day: date
    billing_account: str
    model: str
    dataset: str
    cost_basis: str
    cost_usd: Decimal | None
    charge_type: str = "usage"
    token_type: str = ""
    is_special: bool = False  # batch, long context or another special price
    is_effective: bool = True
    money_is_effective: bool = False
    unpriced_records: int = 0
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    requests: int = 0


class Unit(NamedTuple):
    """Unit of comparison: a model's day, or a whole day (empty `model`) if a source sums all models."""

    billing_account: str
    day: date
    model: str

    @property
    def provider(self) -> str:
        """Slug of the provider that sends the bill."""
        return self.billing_account.partition(":")[0]


def group_units(statements: Iterable[Statement]) -> dict[Unit, list[Statement]]:
    """Statements by unit, as the database resolves overlaps."""
    days: dict[tuple[str, date], list[Statement]] = defaultdict(list)
    for statement in statements:
        days[statement.billing_account, statement.day].append(statement)
    units: dict[Unit, list[Statement]] = defaultdict(list)
    for (billing_account, day), of_day in days.items():
        is_whole_day = any(map(_covers_all_models, of_day))
        for statement in of_day:
            model = "" if is_whole_day else statement.model
            units[Unit(billing_account, day, model)].append(statement)
    return units


def list_estimators(statements: Iterable[Statement]) -> list[str]:
    """Datasets with effective estimates, the one with the most tokens first."""
    tokens: dict[str, int] = defaultdict(int)
    for statement in statements:
        if statement.is_effective and statement.cost_basis == "estimated":
            tokens[statement.dataset] += statement.tokens
    return sorted(tokens, key=lambda dataset: (-tokens[dataset], dataset != REQUESTS, dataset))


def find_bill(statements: Iterable[Statement]) -> str | None:
    """The dataset that bills a unit, preferably one whose money is effective."""
    bills = [s for s in statements if s.is_effective and s.cost_basis == "billed"]
    return max(bills, key=lambda bill: bill.money_is_effective).dataset if bills else None


def select_estimates(statements: Iterable[Statement], dataset: str) -> list[Statement]:
    """Estimates of one dataset."""
    return [s for s in statements if s.cost_basis == "estimated" and s.dataset == dataset]


def classify_tokens(token_type: str) -> str:
    """`cache`, `output` or `input` by a provider's name for a token type; empty for other charges."""
    name = token_type.lower().replace("uncached", "").replace("no_cache", "")
    return next((kind for kind in ("cache", "output", "input") if kind in name), "")


def sum_usd(statements: Iterable[Statement]) -> Decimal:
    """Sum of the known costs."""
    return sum((s.cost_usd for s in statements if s.cost_usd is not None), ZERO)


def _covers_all_models(statement: Statement) -> bool:
    if statement.model or not statement.is_effective:
        return False
    return statement.cost_basis == "billed" or statement.tokens + statement.requests > 0
