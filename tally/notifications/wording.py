"""Names, amounts and times as they stand in messages."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from tally.core.text import printable

MAX_NAME = 100
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
WITHOUT_CENTS = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF", "IDR"}
# What mail programs and chats make links of: an address, a name with a domain of any script, a mention.
LINK_LIKE = re.compile(r"://|@|\.(?=[^\W\d_]{2})|\bwww\b", re.IGNORECASE)
MARKS = re.compile(r"(?<=\S)([.:/@])(?=\S)|(^|\s)(@)(?=\S)")
WORD_JOINER = "\N{WORD JOINER}"


def clean(name: str, at_most: int = MAX_NAME) -> str:
    """A name from outside: one line, at most so long, nothing invisible, and no link or mention."""
    line = " ".join(printable(name).split())
    if len(line) > at_most:
        line = line[: at_most - 1] + "…"
    if not LINK_LIKE.search(line):
        return line
    return MARKS.sub(lambda found: f"{found[0]}{WORD_JOINER}", line)


def format_money(amount: Decimal, currency: str) -> str:
    """An amount with its currency; more digits where cents would show zero."""
    code = currency if re.fullmatch(r"[A-Z]{3}", currency) else "USD"
    places = 0 if code in WITHOUT_CENTS else 2
    size = abs(amount)
    if 0 < size < Decimal(1).scaleb(-places):
        places = min(-size.adjusted() + 1, 10)
    digits = f"{size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{SYMBOLS[code]}{digits}" if code in SYMBOLS else f"{sign}{digits} {code}"


def format_tokens(amount: Decimal) -> str:
    """A count of tokens."""
    return f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,} tokens"


def format_day(day: date) -> str:
    """A day in words."""
    return f"{day.day} {day:%B %Y}"


def format_instant(instant: datetime, zone: ZoneInfo) -> str:
    """An instant in words, with the zone that it is in."""
    local = instant.astimezone(zone)
    return f"{format_day(local.date())}, {local:%H:%M} ({zone.key})"
