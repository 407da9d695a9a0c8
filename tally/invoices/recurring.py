"""Recurring charges of plans: those that come every month or year become subscriptions with one click."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

GAPS: dict[Literal["month", "year"], range] = {"month": range(28, 32), "year": range(364, 367)}
MAX_CHANGE = Decimal("0.10")


class Paid(NamedTuple):
    """A charge of a plan."""

    provider: str
    product: str
    paid_on: date
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Recurring:
    """Charges of one plan, oldest first."""

    charges: Sequence[Paid]
    interval: Literal["month", "year"]

    @property
    def last(self) -> Paid:
        """The newest charge, whose amount and day the next will have."""
        return self.charges[-1]


def find_recurring(charges: Iterable[Paid]) -> list[Recurring]:
    """Chains of at least two charges; each charge is in one chain, the longest that begins first."""
    by_plan: dict[tuple[str, str, str], list[Paid]] = defaultdict(list)
    for charge in charges:
        if charge.amount > 0:
            by_plan[charge.provider, charge.product, charge.currency].append(charge)
    found = []
    for of_plan in by_plan.values():
        rest = sorted(of_plan, key=lambda charge: (charge.paid_on, charge.amount))
        for interval, gaps in GAPS.items():
            for first in list(rest):
                chain = _follow(first, rest, gaps)
                if len(chain) > 1:
                    found.append(Recurring(chain, interval))
                    for charge in chain:
                        rest.remove(charge)
    return sorted(found, key=lambda one: (one.last.provider, one.last.product, one.last.paid_on))


def _follow(first: Paid, charges: Sequence[Paid], gaps: range) -> list[Paid]:
    if first not in charges:
        return []
    chain = [first]
    for charge in charges:
        last = chain[-1]
        is_near = abs(charge.amount - last.amount) <= MAX_CHANGE * last.amount
        if is_near and (charge.paid_on - last.paid_on).days in gaps:
            chain.append(charge)
    return chain
