"""Archived days in words, for pages that read records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.formats.dates import format_span

DAILY = frozenset({"provider", "model", "project", "person", "charge_type", "cost_basis", "token_class"})
BY_DAY = frozenset({"none", "day", "week", "month", "weekday"})
OF_RECORDS = frozenset({"cached_requests", "cache_savings"})
NAMED = 3
IN_ENGINE = "The analytics engine has them, unless it was rebuilt since."
WHAT = "Totals by day, provider, model, project and person have them; lists and other figures lack them."


@dataclass(frozen=True, slots=True)
class Days:
    """Neighbouring days, both included."""

    first: date
    last: date


def needs_records(measure: str, dimensions: Sequence[str], granularity: str) -> bool:
    """True if sums of days may not answer a question."""
    return measure in OF_RECORDS or not DAILY.issuperset(dimensions) or granularity not in BY_DAY


def describe_archived(
    archived: Sequence[Days], first: date | None, last: date | None, what: str = WHAT
) -> str | None:
    """A sentence on the days of a period that are archived; None if there are none."""
    found = [
        Days(max(days.first, first or days.first), min(days.last, last or days.last))
        for days in archived
        if (last is None or days.first <= last) and (first is None or days.last >= first)
    ]
    if not found:
        return None
    names = [format_span(days.first, days.last) for days in found[:NAMED]]
    if len(found) > NAMED:
        names.append("others")
    return (
        f"Records of {', '.join(names[:-1])}{' and ' if names[:-1] else ''}{names[-1]} are archived. {what}"
    )
