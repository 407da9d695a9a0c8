"""Counts and changes as text."""

from decimal import Decimal

UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))
SHORTENED_FROM = 10_000


def format_count(count: int) -> str:
    """A count; from 10,000 up, three significant digits and a unit."""
    if count < SHORTENED_FROM:
        return f"{count:,}"
    size, suffix = next(unit for unit in UNITS if count >= 0.9995 * unit[0])  # 999,950 is 1M, not 1000K
    return f"{count / size:.3g}{suffix}" if count < 999.5 * size else f"{count / size:,.0f}{suffix}"


def format_change(now: Decimal, before: Decimal) -> str | None:
    """The relative change since the period before, or None without spend to compare with."""
    if before <= 0:
        return None
    change = (now - before) / before
    return f"{change:+.0%}" if abs(change) >= 10 else f"{change:+.1%}"
