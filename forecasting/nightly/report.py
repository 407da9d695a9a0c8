"""What the operator reads: progress while the night runs, the sentence at its end, the table of a dry run."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TextIO

from forecasting.nightly.part import Part
from forecasting.nightly.results import Period, Result

LINE_EVERY = 100


class Progress:
    """Counts series: one line that moves on a terminal, otherwise a line now and then."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.done = 0

    def count(self) -> None:
        """One more series has its outcome."""
        self.done += 1
        if self.stream.isatty():
            self.stream.write(f"\rForecast {self.done} series …")
            self.stream.flush()
        elif self.done % LINE_EVERY == 0:
            self.stream.write(f"Forecast {self.done} series …\n")

    def end(self) -> None:
        """Clear the moving line."""
        if self.done and self.stream.isatty():
            self.stream.write("\r\033[K")


def describe_failures(parts: Iterable[Part]) -> str | None:
    """The failed series by name, as one sentence; None when there are none."""
    names = [
        f"{failure.series.unique_id} of {part.person.user_id} ({failure.reason})"
        for part in parts
        for failure in part.failures
    ]
    if not names:
        return None
    return f"{len(names)} series could not be forecast: {'; '.join(names)}."


def render_table(parts: Iterable[Part]) -> str:
    """What would be saved, one line a series."""
    head = ("person", "series", "next 30 days", "80% range", "month end", "80% range", "confidence")
    rows: list[tuple[str, ...]] = [head]
    for part in parts:
        rows += [_row(part, result) for result in part.results()]
        rows += [
            _waiting(part, str(short["series"]), short["days_missing"]) for short in part.too_little_history()
        ]
        rows += [_failed(part, failure.series.unique_id, failure.reason) for failure in part.failures]
    return _align(rows)


def _row(part: Part, result: Result) -> tuple[str, ...]:
    next_30_days, month_end = result.periods
    return (
        str(part.person.user_id),
        result.unique_id,
        *_amounts(next_30_days),
        *_amounts(month_end),
        str(result.confidence),
    )


def _amounts(period: Period) -> tuple[str, str]:
    amounts = period.amounts
    return _usd(amounts.predicted), f"{_usd(amounts.lower_80)} to {_usd(amounts.upper_80)}"


def _usd(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def _waiting(part: Part, unique_id: str, days_missing: int) -> tuple[str, ...]:
    return (str(part.person.user_id), unique_id, f"needs {days_missing} more days")


def _failed(part: Part, unique_id: str, reason: str) -> tuple[str, ...]:
    return (str(part.person.user_id), unique_id, f"failed: {reason}")


def _align(rows: Sequence[tuple[str, ...]]) -> str:
    width = max(len(row) for row in rows)
    # A lone remark in the third column may be longer than any amount: it does not widen the table.
    full = [row for row in rows if len(row) == width]
    widths = [max(len(row[column]) for row in full) for column in range(width)]
    widths[:2] = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)).rstrip() for row in rows
    )
