"""Typed fields of a response's rows: a value of the right kind, or MalformedRow."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tally.core.records import MAX_MODEL_NAME
from tally.importers.readers.table import has_control_characters, quote

DAY = timedelta(days=1)
MAX_NUMBER_LENGTH = 60


class MalformedRow(Exception):
    """A row differs from the documentation; the text completes "the response …"."""


def read_rows(value: Any, name: str) -> list[dict[str, Any]]:
    """Return a list of objects."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise MalformedRow(f"has no list of rows at {quote(name)}")
    return value


def read_object(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object in a row; empty when it is missing."""
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedRow(f"has {_shown(value)} at {quote(name)}")
    return value


def read_text(row: Mapping[str, Any], name: str) -> str:
    """Return a text that can be stored; empty when it is missing."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise MalformedRow(f"has {_shown(value)} at {quote(name)}")
    text = value.strip()
    if has_control_characters(text) or not _is_unicode(text):
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= MAX_MODEL_NAME else text[: MAX_MODEL_NAME - 1] + "…"


def read_count(row: Mapping[str, Any], name: str, needed: bool = False) -> int:
    """Return a whole number from 0 on; 0 when it is missing and not needed."""
    value = row.get(name)
    if value is None and not needed:
        return 0
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < 10**15 and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**15:
        raise MalformedRow(f"has {_shown(value)} at {quote(name)}, which is not a count")
    return value


def read_amount(row: Mapping[str, Any], name: str) -> Decimal:
    """Return an amount of money, given as a JSON number or as decimal text."""
    value = row.get(name)
    if isinstance(value, str) and len(value) <= MAX_NUMBER_LENGTH:
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            raise MalformedRow(f"has {_shown(value)} at {quote(name)}, which is not an amount") from None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise MalformedRow(f"has {_shown(value)} at {quote(name)}, which is not an amount")
    return value


def check_currency(row: Mapping[str, Any]) -> None:
    """Raise MalformedRow for any currency but US dollars."""
    currency = read_text(row, "currency")
    if currency.lower() != "usd":
        raise MalformedRow(f"is in the currency {quote(currency)}; Tally reads only US dollars from this API")


def read_day(value: Any) -> date:
    """Return the UTC day that begins at an instant in Unix seconds, RFC 3339 or as a date."""
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
        raise MalformedRow(f"has {_shown(value)} instead of the midnight of a UTC day")
    return moment.date()


def check_one_day(first: date, end: Any) -> None:
    """Raise MalformedRow unless a bucket covers exactly one day."""
    if read_day(end) - first != DAY:
        raise MalformedRow(f"covers more or less than the day {first}")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return quote(value) if isinstance(value, str) else quote(str(value)[:MAX_NUMBER_LENGTH])
