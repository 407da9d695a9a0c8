"""How money, counts and days read on the pages."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from tally.core.text import plural as plural

DASH = "\N{EN DASH}"
NO_PRICE = "no price"
SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "KRW": "₩",
    "INR": "₹",
    "ILS": "₪",
    "PHP": "₱",
    "TRY": "₺",
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "HKD": "HK$",
    "MXN": "MX$",
    "NZD": "NZ$",
    "SGD": "S$",
}
NAMES = {
    "AUD": "Australian dollar",
    "BRL": "Brazilian real",
    "CAD": "Canadian dollar",
    "CHF": "Swiss franc",
    "CNY": "Chinese yuan",
    "CZK": "Czech koruna",
    "DKK": "Danish krone",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "HKD": "Hong Kong dollar",
    "HUF": "Hungarian forint",
    "IDR": "Indonesian rupiah",
    "ILS": "Israeli shekel",
    "INR": "Indian rupee",
    "ISK": "Icelandic króna",
    "JPY": "Japanese yen",
    "KRW": "South Korean won",
    "MXN": "Mexican peso",
    "MYR": "Malaysian ringgit",
    "NOK": "Norwegian krone",
    "NZD": "New Zealand dollar",
    "PHP": "Philippine peso",
    "PLN": "Polish zloty",
    "RON": "Romanian leu",
    "SEK": "Swedish krona",
    "SGD": "Singapore dollar",
    "THB": "Thai baht",
    "TRY": "Turkish lira",
    "USD": "US dollar",
    "ZAR": "South African rand",
}
WITHOUT_CENTS = ("ISK", "JPY", "KRW")
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def format_money(amount: Decimal | float, currency: str) -> str:
    """Money for a reader: cents up to 10,000, whole units above, more digits where cents say nothing."""
    exact = Decimal(str(amount)) if isinstance(amount, float) else amount
    sign, size, symbol = "-" if exact < 0 else "", abs(exact), currency_symbol(currency)
    smallest = Decimal(1).scaleb(-count_decimals(currency))
    if 0 < size < smallest:
        return f"{sign}{symbol}{_trimmed(_significant(size, 2))}"
    return f"{sign if size else ''}{symbol}{_rounded(size, Decimal(1) if size >= 10_000 else smallest):,}"


def format_plain(amount: Decimal, currency: str) -> str:
    """Money in a sentence: whole units from 10 up."""
    return _without_cents(format_money(_rounded(amount, Decimal(1)) if amount >= 10 else amount, currency))


def format_limit(amount: Decimal, currency: str) -> str:
    """An amount that somebody chose: exact, and without cents where it has none."""
    return _without_cents(format_money(amount, currency))


def format_usd(amount: Decimal | float) -> str:
    """What is stored in US dollars and shown as it is, whatever currency a person reads."""
    return format_money(amount, "USD")


def format_figure(amount: Decimal, currency: str) -> str:
    """Money in large type on a card, shortened to whole units and then to millions where it would not fit."""
    text = format_money(amount, currency)
    if len(text) <= (12 if has_wide_amounts(currency) else 10):
        return text
    return f"{'-' if amount < 0 else ''}{currency_symbol(currency)}{_shortened(abs(amount))}"


def format_money_range(lower: Decimal, upper: Decimal, currency: str) -> str:
    """The amounts that something lies between."""
    symbol = currency_symbol(currency)
    if has_wide_amounts(currency) or upper >= 1_000_000:
        return f"{symbol}{_shortened(lower)} {DASH} {_shortened(upper)}"
    if upper >= 1000:  # cents would not fit on a phone
        lower, upper = (_rounded(bound, Decimal(1)) for bound in (lower, upper))
        return f"{symbol}{lower:,} {DASH} {symbol}{upper:,}"
    return f"{format_money(lower, currency)} {DASH} {format_money(upper, currency)}"


def format_unit_price(amount: Decimal, currency: str) -> str:
    """The price of one request, which is mostly less than a cent: three digits that mean something."""
    if amount >= Decimal(100).scaleb(-count_decimals(currency)) or amount <= 0:
        return format_money(amount, currency)
    return f"{currency_symbol(currency)}{_trimmed(_significant(amount, 3))}"


def currency_symbol(currency: str) -> str:
    """What stands before an amount: a sign that is no other currency's, or the code and a space."""
    return SYMBOLS.get(currency) or f"{currency}\N{NO-BREAK SPACE}"


def has_wide_amounts(currency: str) -> bool:
    """Whether amounts take more room than those in dollars: a longer sign, or more digits."""
    return len(currency_symbol(currency)) > 1 or count_decimals(currency) == 0


def describe_currency(currency: str) -> str:
    """A currency with its name where that is known."""
    return f"{currency}, {NAMES[currency]}" if currency in NAMES else currency


def count_decimals(currency: str) -> int:
    """How many decimals its smallest unit has."""
    return 0 if currency in WITHOUT_CENTS else 2


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


def format_short_day(day: date, today: date) -> str:
    """A day, with its year where that is not this one."""
    return f"{day.day} {day:%b}" if day.year == today.year else format_day(day)


def format_days(first: date, last: date) -> str:
    """A span of days without saying the same year twice."""
    start = f"{first.day} {first:%b}" if first.year == last.year else format_day(first)
    return format_day(first) if first == last else f"{start} {DASH} {format_day(last)}"


def format_instant(moment: datetime, zone: ZoneInfo) -> str:
    """A moment on the person's own clock, as in 2026-11-20 14:05: it sorts as it reads."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def escape_markdown(text: str) -> str:
    """Text from outside as Markdown that only shows it: no link, image, colour or formula."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _shortened(amount: Decimal) -> str:
    """Whole units, above a million three digits of millions; below 100 with cents."""
    if abs(amount) >= 1_000_000:
        return f"{_rounded(amount / 1_000_000, Decimal('0.01')):,}M"
    return f"{_rounded(amount, Decimal(1) if abs(amount) >= 100 else Decimal('0.01')):,}"


def _without_cents(money: str) -> str:
    return money.removesuffix(".00")


def _rounded(amount: Decimal, step: Decimal) -> Decimal:
    return amount.quantize(step, rounding=ROUND_HALF_UP)


def _significant(amount: Decimal, digits: int) -> str:
    places = max(2, digits - amount.adjusted() - 1)
    return f"{amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"


def _trimmed(number: str) -> str:
    """Without the zeros at the end, except those of cents."""
    whole, part = number.split(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"
