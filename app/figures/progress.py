"""Progress of a period: what is spent, where it will likely end, and its limit. Pure: no names, no dates."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from tally.budgets.status import State
from tally.core.exceeding import LIKELY

ZERO = Decimal(0)
ROOM = Decimal("1.1")  # of a bar behind its largest amount


@dataclass(frozen=True, slots=True)
class Progress:
    """Amounts of a period in one currency; None where unknown.

    `before` is the spend of the period before up to the same day, `days_left` the days after today.
    """

    spent: Decimal
    days_left: int
    limit: Decimal | None = None
    before: Decimal | None = None
    likely: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    chance: float | None = None  # of exceeding the limit
    is_paused: bool = False

    @property
    def left(self) -> Decimal | None:
        """The rest of the limit; negative beyond it."""
        return None if self.limit is None else self.limit - self.spent

    @property
    def left_a_day(self) -> Decimal | None:
        """The rest of the limit for each of the days to come; None where nothing watches it."""
        if self.is_paused or self.left is None or self.left <= 0 or self.days_left <= 0:
            return None
        return self.left / self.days_left

    @property
    def state(self) -> State | None:
        """The state; None without a limit."""
        if self.limit is None:
            return None
        if self.is_paused:
            return State.PAUSED
        if self.spent >= self.limit:
            return State.EXCEEDED
        if self.chance is None:
            return State.NO_FORECAST
        return State.LIKELY if self.chance >= LIKELY else State.ON_TRACK


class Part(NamedTuple):
    """A filled part of a bar, as shares of its width."""

    kind: str  # spent, over, ahead, range, risk
    start: float
    end: float


class Bar(NamedTuple):
    """A bar: its filled parts from left to right, and the places of its marks."""

    parts: tuple[Part, ...]
    limit: float | None
    likely: float | None
    before: float | None


def draw_bar(progress: Progress, full: Decimal | None = None) -> Bar:
    """The bar of a period; `full` is the amount at its end, by default a little more than the largest."""
    whole = full or find_full(progress)

    def place(amount: Decimal) -> float:
        return float(min(max(amount / whole, ZERO), Decimal(1)))

    limit = progress.limit if progress.limit is not None else whole
    inside, spent = min(progress.spent, limit), progress.spent
    lower, upper = progress.lower, progress.upper
    spans = [("spent", ZERO, inside), ("over", limit, spent)]
    if lower is not None and upper is not None:
        start = max(lower, spent)
        spans += [
            ("ahead", spent, start),
            ("range", start, min(upper, limit)),
            ("risk", max(start, limit), upper),
        ]
    parts = [Part(kind, place(first), place(last)) for kind, first, last in spans]
    return Bar(
        tuple(part for part in parts if part.end > part.start),
        None if progress.limit is None else place(progress.limit),
        None if progress.likely is None else place(progress.likely),
        None if progress.before is None else place(progress.before),
    )


def find_full(progress: Progress) -> Decimal:
    """The amount at the end of a bar that shows all amounts, with some room."""
    known = (progress.spent, progress.limit, progress.before, progress.likely, progress.upper)
    return max(*(amount for amount in known if amount is not None), ZERO) * ROOM or Decimal(1)
