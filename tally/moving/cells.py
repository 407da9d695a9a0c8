"""Cells of the CSV files in an export of everything: exact text, and what their columns accept.

An empty cell is null. Text that a spreadsheet would run as a formula, or that begins with an apostrophe, has
an apostrophe in front of it. A cell is read as the value that the database takes as JSON: money stays text.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from math import isfinite
from typing import Any, TypeAlias
from uuid import UUID

from tally.core.encoding import MAX_COUNT
from tally.storage.export import FORMULA_STARTS

Parse: TypeAlias = Callable[[str], Any]

ESCAPED = ("'", *FORMULA_STARTS)
MONEY_DIGITS = 8  # before the point, and 10 behind it: numeric(18, 10)
MAX_JSON = 70_000  # characters; the database counts bytes, too
FIRST_INSTANT = datetime(2020, 1, 1, tzinfo=UTC)
LAST_DAY = date(2100, 1, 1)
FIRST_DAY = FIRST_INSTANT.date()
MAX_INT_DIGITS = 4_000  # Python writes 4,300
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?")


class Refused(ValueError):
    """A cell that its column does not accept; the text completes “… is not”."""


def write_cell(value: Any) -> str:
    """The cell of a value that the database returned."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def write_text(value: Any) -> str:
    """The cell of a text."""
    cell = write_cell(value)
    return f"'{cell}" if cell.startswith(ESCAPED) else cell


def text(longest: int) -> Parse:
    """Text of at most this many characters."""
    return partial(_read_text, longest)


def is_text(parse: Parse) -> bool:
    """True for a column of text."""
    return isinstance(parse, partial) and parse.func is _read_text


def choice(*allowed: str) -> Parse:
    """One of these words."""
    return partial(_read_choice, allowed)


def decimal(digits: int = MONEY_DIGITS, places: int = 10) -> Parse:
    """A number with at most this many digits before and behind the point."""
    return partial(_read_decimal, digits, places)


def count(cell: str) -> int:
    """A whole number from 0 to 10^15."""
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 16 and int(cell) <= MAX_COUNT):
        raise Refused("a count")
    return int(cell)


def total(cell: str) -> int:
    """A whole number that sums up counts."""
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 30):
        raise Refused("a whole number")
    return int(cell)


def identifier(cell: str) -> str:
    """A UUID."""
    try:
        found = str(UUID(cell))
    except ValueError:
        raise Refused("an id") from None
    if found != cell:
        raise Refused("an id")
    return cell


def day(cell: str) -> str:
    """A date from 2020 to 2100."""
    try:
        found = date.fromisoformat(cell)
    except ValueError:
        raise Refused("a date such as 2026-11-02") from None
    if not FIRST_DAY <= found <= LAST_DAY or found.isoformat() != cell:
        raise Refused("a date such as 2026-11-02")
    return cell


def instant(cell: str) -> str:
    """A time with its distance from UTC; returned in UTC."""
    try:
        found = datetime.fromisoformat(cell).astimezone(UTC) if len(cell) > 19 else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not found >= FIRST_INSTANT or found.date() > LAST_DAY:
        raise Refused("a time such as 2026-11-02T12:00:00+00:00")
    return found.isoformat()


def flag(cell: str) -> bool:
    """True or false."""
    if cell not in ("true", "false"):
        raise Refused("true or false")
    return cell == "true"


def record_of(cell: str) -> dict[str, Any]:
    """A JSON object that the database can store; numbers that are too large to be sent are texts."""
    found = _read_json(cell)
    if not isinstance(found, dict):
        raise Refused(f"a JSON object of at most {MAX_JSON:,} characters")
    return found


def list_of(cell: str) -> list[Any]:
    """A JSON array, likewise."""
    found = _read_json(cell)
    if not isinstance(found, list):
        raise Refused(f"a JSON array of at most {MAX_JSON:,} characters")
    return found


def _read_json(cell: str) -> Any:
    try:
        found = json.loads(cell, **_NUMBERS) if len(cell) <= MAX_JSON and not _NUL.search(cell) else None
        json.dumps(found, ensure_ascii=False).encode()  # not half of a character
    except (ValueError, RecursionError):
        return None
    return found


def _read_float(digits: str) -> float | str:
    return float(digits) if isfinite(float(digits)) else digits


def _read_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else digits


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and infinity, which JSON lacks


_NUMBERS: dict[str, Any] = {
    "parse_float": _read_float,
    "parse_int": _read_int,
    "parse_constant": _refuse_constant,
}


def _read_text(longest: int, cell: str) -> str:
    value = cell[1:] if cell[:1] == "'" else cell
    if len(value) > longest or "\0" in value:
        raise Refused(f"text of at most {longest:,} characters")
    return value


def _read_choice(allowed: tuple[str, ...], cell: str) -> str:
    if cell not in allowed:
        raise Refused(f"one of {', '.join(allowed)}")
    return cell


def _read_decimal(digits: int, places: int, cell: str) -> str:
    try:
        value = Decimal(cell) if _DECIMAL.fullmatch(cell) else None
    except InvalidOperation:
        value = None
    if value is None or abs(value) >= 10**digits or value != round(value, places):
        raise Refused(f"a number with at most {digits} digits before and {places} behind the point")
    return cell
