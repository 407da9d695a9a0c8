"""The periods that mails are about: the last complete week or month, and the one before it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tally.core.months import month_before

Kind = Literal["weekly", "monthly"]
KINDS: tuple[Kind, ...] = ("weekly", "monthly")
NOUNS: dict[Kind, str] = {"weekly": "week", "monthly": "month"}
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Period:
    """A week from Monday or a month, with the first day of the one before it."""

    kind: Kind
    first: date
    last: date
    before: date

    @property
    def noun(self) -> str:
        """Week or month."""
        return NOUNS[self.kind]

    @property
    def days(self) -> list[date]:
        """Its days."""
        return [self.first + timedelta(days=nth) for nth in range((self.last - self.first).days + 1)]

    @property
    def title(self) -> str:
        """The period in words: days of a month or two, or the month with its year."""
        if self.kind == "monthly":
            return f"{self.first:%B %Y}"
        if self.first.month == self.last.month:
            return f"{self.first.day}{DASH}{self.last.day} {self.last:%B}"
        return f"{self.first.day} {self.first:%B} {DASH} {self.last.day} {self.last:%B}"


def last_period(kind: Kind, today: date) -> Period:
    """The last complete week or month before today's."""
    if kind == "weekly":
        monday = today - timedelta(days=today.weekday())
        return Period(kind, monday - WEEK, monday - DAY, monday - 2 * WEEK)
    first, last = month_before(today)
    return Period(kind, first, last, month_before(first)[0])
