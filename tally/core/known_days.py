"""Periods that others are compared with, and how much of them is recorded."""

from datetime import date
from typing import NamedTuple


class KnownDays(NamedTuple):
    """Days of an earlier period, and the first day of all that is recorded, None without records.

    Costs are only compared with those of complete days: else they would seem to rise where records begin.
    """

    first: date
    last: date
    begins: date | None

    @property
    def is_complete(self) -> bool:
        """True if records begin with the period, or before."""
        return self.begins is not None and self.begins <= self.first

    @property
    def since(self) -> date | None:
        """The day within the period on which records begin; None if that is its first one or outside."""
        return self.begins if self.begins is not None and self.first < self.begins <= self.last else None
