"""A piece of advice, its saving with a range, and the gates that all kinds share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias, get_args

from tally.core.amounts import round_amount
from tally.core.months import MONTH_DAYS
from tally.core.records import JSON

Kind = Literal[
    "experiment",
    "model_switch",
    "caching",
    "cache_hour",
    "cache_minutes",
    "batch",
    "long_context",
    "priority",
    "plan",
    "api_instead",
    "unused_subscription",
    "idle_key",
    "repeats",
    "retirement",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Confidence = Literal["high", "medium", "low"]
Basis = Literal["measured", "modelled"]
Subject: TypeAlias = Mapping[str, str]

WINDOW_DAYS = 28
TO_MONTH = MONTH_DAYS / WINDOW_DAYS
LEAST_ACTIVE_DAYS = 14
LEAST_USD = Decimal(5)
LEAST_SHARE = Decimal("0.02")
# Said without a saving: what is unsafe or ends by itself.
NOT_ABOUT_SAVING: frozenset[Kind] = frozenset({"idle_key", "retirement"})
MAX_FOUND = 50


class Saving(NamedTuple):
    """The part of a month's cost that would be saved, in US dollars; negative where it would cost more."""

    low: Decimal
    mid: Decimal
    high: Decimal

    @classmethod
    def between(cls, low: Decimal, high: Decimal, mid: Decimal | None = None) -> "Saving":
        """A range, whose middle is likeliest unless it is given."""
        first, last = sorted((low, high))
        middle = (first + last) / 2 if mid is None else min(max(mid, first), last)
        return cls(round_amount(first), round_amount(middle), round_amount(last))

    @classmethod
    def exactly(cls, usd: Decimal) -> "Saving":
        """A saving that follows from a price."""
        return cls.between(usd, usd)


NOTHING = Saving.exactly(Decimal(0))


@dataclass(frozen=True, slots=True)
class Advice:
    """One change that would cost less: of what, how much, how sure, by which rows and assumptions.

    `subject` names what it is about and stays the same from night to night; `evidence` has its figures.
    """

    kind: Kind
    subject: Subject
    current_usd: Decimal  # a month
    saving: Saving
    confidence: Confidence
    basis: Basis
    evidence: Mapping[str, JSON]
    assumptions: tuple[str, ...] = ()
    project_id: str | None = None
    person_id: str | None = None


def select_worthwhile(found: Iterable[Advice], spend_usd: Decimal) -> list[Advice]:
    """Those that save enough of what the workspace spends in a month, largest first, 50 at most.

    Of one kind about one subject, such as two service tiers of a model, the larger is told.
    """
    least = max(LEAST_USD, LEAST_SHARE * spend_usd)
    kept: dict[tuple[object, ...], Advice] = {}
    for one in found:
        subject = one.kind, *sorted(one.subject.items())
        is_largest = subject not in kept or one.saving.mid > kept[subject].saving.mid
        if is_largest and (one.kind in NOT_ABOUT_SAVING or one.saving.mid >= least):
            kept[subject] = one
    listed = sorted(kept.values(), key=lambda one: (-one.saving.mid, one.kind, sorted(one.subject.items())))
    return listed[:MAX_FOUND]
