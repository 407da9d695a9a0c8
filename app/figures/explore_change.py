"""Relative changes against an earlier period. Pure."""

from decimal import Decimal

NEW = float("inf")


def calculate_change(now: Decimal | None, before: Decimal | None) -> float | None:
    """The relative change in percent; infinite for what is new, None where it is not known."""
    if now is None or before is None:
        return None
    if before <= 0:
        return NEW if now > 0 else None
    return float(100 * (now - before) / before)


def show_change(change: float) -> str:
    """A change as text: +18%, -9%, 0%, new."""
    if change == NEW:
        return "new"
    rounded = round(change)
    return f"{rounded:+,}%" if rounded else "0%"
