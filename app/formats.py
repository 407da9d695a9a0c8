"""How money, counts and days read on the pages."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

DASH = "\N{EN DASH}"
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def format_usd(amount: Decimal | float) -> str:
    """Money for a reader: cents up to $10,000, whole dollars above, more digits where cents say nothing."""
    exact = Decimal(str(amount)) if isinstance(amount, float) else amount
    sign = "-" if exact < 0 else ""
    size = abs(exact)
    if size == 0:
        return "$0.00"
    if size < Decimal("0.01"):
        return f"{sign}${_trimmed(_significant(size, 2))}"
    if size >= 10_000:
        return f"{sign}${_rounded(size, '1'):,}"
    return f"{sign}${_rounded(size, '0.01'):,}"


def format_usd_range(lower: Decimal, upper: Decimal) -> str:
    """The amounts that something lies between."""
    if upper >= 1000:  # cents would not fit on a phone
        return f"${_rounded(lower, '1'):,} {DASH} ${_rounded(upper, '1'):,}"
    return f"{format_usd(lower)} {DASH} {format_usd(upper)}"


def format_unit_price(amount: Decimal) -> str:
    """The price of one request, which is mostly less than a cent: three digits that mean something."""
    if amount >= 1 or amount <= 0:
        return format_usd(amount)
    return f"${_trimmed(_significant(amount, 3))}"


def format_count(count: int) -> str:
    """A count, shortened above 10,000."""
    for limit, unit in ((10**9, "B"), (10**6, "M"), (10**4, "K")):
        if count >= limit:
            scale = 1000 if unit == "K" else limit
            return f"{count / scale:.3g}{unit}" if count / scale < 999.5 else f"{count / scale:,.0f}{unit}"
    return f"{count:,}"


def format_change(now: Decimal, before: Decimal) -> str | None:
    """The change against the time before, or None where there was nothing to compare with."""
    if before <= 0:
        return None
    change = (now - before) / before
    return f"{change:+.0%}" if abs(change) >= 10 else f"{change:+.1%}"


def format_day(day: date) -> str:
    """A day with its year, as in 20 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


def format_days(first: date, last: date) -> str:
    """A span of days without saying the same year twice."""
    start = f"{first.day} {first:%b}" if first.year == last.year else format_day(first)
    return format_day(first) if first == last else f"{start} {DASH} {format_day(last)}"


def format_instant(moment: datetime, zone: ZoneInfo) -> str:
    """A moment on the person's own clock, as in 2026-11-20 14:05: it sorts as it reads."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def plural(count: int, noun: str) -> str:
    """A count with its noun, as in 1 record or 1,204 records."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def escape_markdown(text: str) -> str:
    """Text from outside as Markdown that only shows it: no link, image, colour or formula."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _rounded(amount: Decimal, step: str) -> Decimal:
    return amount.quantize(Decimal(step), rounding=ROUND_HALF_UP)


def _significant(amount: Decimal, digits: int) -> str:
    places = max(2, digits - amount.adjusted() - 1)
    return f"{amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"


def _trimmed(number: str) -> str:
    """Without the zeros at the end, except those of cents."""
    whole, part = number.split(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"
