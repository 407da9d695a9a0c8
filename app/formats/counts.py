"""Counts and changes as text."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from app.formats.text import DASH, MINUS

UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))
SHORTENED_FROM = 10_000
FEW = 10  # of fewer a percentage says more than is known


def format_count(count: int) -> str:
    """A count; from 10,000 up, three significant digits and a unit."""
    if count < SHORTENED_FROM:
        return f"{count:,}"
    size, suffix = next(unit for unit in UNITS if count >= 0.9995 * unit[0])  # 999,950 is 1M, not 1000K
    return f"{count / size:.3g}{suffix}" if count < 999.5 * size else f"{count / size:,.0f}{suffix}"


def format_rate(part: int, whole: int, places: int = 1) -> str:
    """A share in percent, never as 0% where it is none; of a few in their own numbers: `0 of 1`."""
    if whole < FEW:
        return f"{part:,} of {whole:,}"
    least = 10 ** -(places + 2)
    if part and part / whole < least:
        return f"<{least:.{places}%}"
    return "0%" if not part else f"{part / whole:.{places}%}"


def round_shares(shares: Sequence[Decimal]) -> list[int]:
    """Shares of a whole in percent that add up to 100, as the shares do to 1."""
    percents = [share * 100 for share in shares]
    whole = [int(percent) for percent in percents]
    by_rest = sorted(range(len(shares)), key=lambda nth: whole[nth] - percents[nth])
    for nth in by_rest[: 100 - sum(whole)]:
        whole[nth] += 1
    return whole


def format_change(now: Decimal, before: Decimal) -> str | None:
    """The relative change since the period before, or None without spend to compare with."""
    if before <= 0:
        return None
    return format_percent_change(float((now - before) / before * 100))


def format_percent_change(percent: float) -> str:
    """A relative change with its sign, with a decimal below 100%: +4.5%, +250%, 0%."""
    text = f"{percent:+,.0f}%" if abs(round(percent, 1)) >= 100 else f"{percent:+.1f}%"
    return "0%" if text in ("+0.0%", "-0.0%") else text.replace("-", MINUS)


def format_factor(factor: Decimal | None) -> str:
    """A multiple such as 4.0x, without decimals from 10 on; a dash where it is unknown."""
    if factor is None:
        return DASH
    step = Decimal("0.1") if factor < 10 else Decimal(1)
    return f"{factor.quantize(step, rounding=ROUND_HALF_UP)}x"
