"""Relative changes against an earlier period. Pure."""

from decimal import Decimal

from app.formats.counts import format_percent_change

NEW = float("inf")


def calculate_change(now: Decimal | None, before: Decimal | None) -> float | None:
    """The relative change in percent; infinite for what is new, None where it is not known."""
    if now is None or before is None:
        return None
    if before <= 0:
        return NEW if now > 0 else None
    return float(100 * (now - before) / before)


def show_change(change: float) -> str:
    """A change as text: +18.7%, -9.0%, 0%, new."""
    return "new" if change == NEW else format_percent_change(change)
