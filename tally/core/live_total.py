"""The total of a period as it is now: what is spent, and what a stored forecast says of the days left.

A forecast is made once a night; records arrive at any time, also for days that are over.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class StoredTotal(NamedTuple):
    """A predicted total: the spend that was known in it, and its predictions from the run's day on."""

    predicted: Decimal
    spent: Decimal
    days: Mapping[date, Decimal]


class SpentSoFar(NamedTuple):
    """The spend of the period before today, and today's."""

    before_today: Decimal
    today: Decimal

    @property
    def total(self) -> Decimal:
        """Spend so far."""
        return self.before_today + self.today


def calculate_live_total(stored: StoredTotal, spent: SpentSoFar, today: date) -> Decimal:
    """Spend before today, plus the larger of today's spend and its prediction, plus the days after it.

    A credit that makes today's spend negative says nothing about the usage that is predicted: both count.
    """
    begun = sum((amount for day, amount in stored.days.items() if day <= today), ZERO)
    left = max(stored.predicted - stored.spent - begun, ZERO)
    expected = stored.days.get(today, ZERO) + min(spent.today, ZERO)
    return spent.before_today + max(spent.today, expected) + left
