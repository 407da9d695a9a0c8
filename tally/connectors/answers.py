"""Reading rows of a provider's answer: a value of the right kind, or a word on what is wrong with it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tally.core.records import MAX_MODEL_NAME
from tally.importers.readers.table import has_control_characters, quote

DAY = timedelta(days=1)
LONGEST_NUMBER = 60


class Malformed(Exception):
    """A row is not as documented; the text completes "the answer …"."""


def read_rows(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Malformed(f"has no list of rows at {quote(name)}")
    return value


def read_object(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object inside a row; empty where it is left out."""
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"has {_shown(value)} at {quote(name)}")
    return value


def read_text(row: Mapping[str, Any], name: str) -> str:
    """A name that can be stored; empty where there is none."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise Malformed(f"has {_shown(value)} at {quote(name)}")
    text = value.strip()
    if has_control_characters(text) or not _is_unicode(text):
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= MAX_MODEL_NAME else text[: MAX_MODEL_NAME - 1] + "…"


def read_count(row: Mapping[str, Any], name: str, needed: bool = False) -> int:
    """A whole number, not negative; 0 where it is left out, unless it is needed."""
    value = row.get(name)
    if value is None and not needed:
        return 0
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < 10**15 and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**15:
        raise Malformed(f"has {_shown(value)} at {quote(name)}, where a count belongs")
    return value


def read_amount(row: Mapping[str, Any], name: str) -> Decimal:
    """Money, as a JSON number or as a decimal in text."""
    value = row.get(name)
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER:
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            raise Malformed(f"has {_shown(value)} at {quote(name)}, where an amount belongs") from None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Malformed(f"has {_shown(value)} at {quote(name)}, where an amount belongs")
    return value


def check_currency(row: Mapping[str, Any]) -> None:
    """Money is stored in US dollars."""
    currency = read_text(row, "currency")
    if currency.lower() != "usd":
        raise Malformed(f"is in the currency {quote(currency)}, and Tally reads US dollars from this API")


def read_day(value: Any) -> date:
    """The UTC day that begins at an instant: Unix seconds, RFC 3339, or a date."""
    moment: datetime | None = None
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            moment = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or moment.time() != datetime.min.time():
        raise Malformed(f"has {_shown(value)} where the midnight of a UTC day belongs")
    return moment.date()


def check_one_day(first: date, end: Any) -> None:
    """A bucket is one day, else its sums belong to no day."""
    if read_day(end) - first != DAY:
        raise Malformed(f"sums up more or less than the day {first}")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return quote(value) if isinstance(value, str) else quote(str(value)[:LONGEST_NUMBER])
