"""Requests that failed and cost something, and those that were sent again at once."""

from collections.abc import Iterator

from tally.advice.facts import Facts
from tally.advice.findings import TO_MONTH, Advice, Saving
from tally.core.encoding import canonical_decimal

LEAST_WASTED = 20  # requests


def find(facts: Facts) -> Iterator[Advice]:
    """Cells with many requests that were paid for in vain."""
    for cell in facts.cells:
        wasted = (cell.failed_usd + cell.repeated_usd) * TO_MONTH
        if cell.failed + cell.repeats < LEAST_WASTED or wasted <= 0:
            continue
        yield Advice(
            "repeats",
            {**cell.place, "provider": cell.provider, "model": cell.model},
            cell.cost_usd * TO_MONTH,
            Saving.between(wasted / 2, wasted),
            "medium",
            "measured",
            {
                "requests": cell.requests,
                "tier": cell.tier,
                "failed": cell.failed,
                "repeats": cell.repeats,
                "answered": cell.answered,
                "answered_usd": canonical_decimal(cell.answered_usd),
            },
            (
                "A repeat has the same input as the request before in its conversation, within 60 seconds.",
                "At least half of what these cost can be avoided.",
                "Some exports leave failed requests out: there may be more.",
            ),
            project_id=cell.project_id,
        )
