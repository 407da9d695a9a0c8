"""Values of telemetry within bounds: times, ids, texts."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from math import isfinite

from tally.telemetry.signals import MAX_TIME, MIN_TIME, Scalar, Value

MAX_TEXT = 4_096  # characters of a value
MAX_NAME = 200
MAX_MESSAGE = 500
MAX_EVENTS = 64  # of a span
MAX_ITEMS = 64  # of a list
MAX_DEPTH = 4  # of values within values
MAX_NUMBER = 10**30
TRACE_ID, SPAN_ID = 32, 16  # hex digits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIN_NANO = int((MIN_TIME - _EPOCH).total_seconds()) * 10**9
_MAX_NANO = int((MAX_TIME - _EPOCH).total_seconds()) * 10**9
_UNITS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3}  # in nanoseconds
_HEX = re.compile(r"[0-9a-fA-F]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither


class Refused(Exception):
    """An item that is left out of a request; the text is a sentence for its sender."""


def read_time(nanoseconds: int) -> datetime | None:
    """The instant of Unix nanoseconds, None for one that no call can have had."""
    if _MIN_NANO <= nanoseconds < _MAX_NANO:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
    return None


def read_period(name: str, start_nano: int, end_nano: int) -> tuple[datetime, datetime]:
    """The times of a span; one that has not ended takes no time."""
    start = read_time(start_nano)
    if start is None:
        raise refuse_time("The span", name, start_nano)
    end = read_time(end_nano) if end_nano > start_nano else start
    if end is None:
        raise refuse_time("The end of the span", name, end_nano)
    return start, end


def read_iso_time(text: str) -> int | None:
    """Nanoseconds of a time that is written out; None where it can't be read, or has no offset from UTC."""
    try:
        at = datetime.fromisoformat(text[:MAX_NAME].strip())
    except ValueError:
        return None
    # The first and the last year have times without an instant in UTC.
    if at.tzinfo is None or not MIN_TIME.year <= at.year <= MAX_TIME.year:
        return None
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000


def refuse_text(text: str) -> Refused:
    """The refusal of an item whose time is a text that cannot be read."""
    return Refused(
        f"The time {quote(text)} can't be read. Send nanoseconds since 1970, or ISO 8601 with the offset "
        f"from UTC, of a year from {MIN_TIME.year} to {MAX_TIME.year - 1}."
    )


def refuse_time(what: str, name: str, nanoseconds: int) -> Refused:
    """The refusal of an item without a time, or of a year that no call can have been in."""
    if not nanoseconds:
        return Refused(f"{what} {quote(name)} has no time. Send it as nanoseconds since 1970.")
    for unit, size in _UNITS.items():
        if read_time(nanoseconds * size) is not None:
            return Refused(f"{what} {quote(name)} has its time in {unit}. Send nanoseconds since 1970.")
    try:
        when = (_EPOCH + timedelta(seconds=nanoseconds // 10**9)).strftime("in %Y")
    except OverflowError:
        when = "in no year"
    return Refused(
        f"{what} {quote(name)} is {when}; {MIN_TIME.year} to {MAX_TIME.year - 1} are possible. Check the "
        "sender's clock."
    )


def refuse_ids(name: str) -> Refused:
    """The refusal of a span without ids."""
    return Refused(
        f"The span {quote(name)} has no trace id of 16 bytes and span id of 8 bytes that are not all zero. "
        "If these are log records, send them to /v1/logs."
    )


def read_id(text: object, digits: int) -> str:
    """An id in lower-case hex, also from base64 as generic writers of protobuf make it; empty for none."""
    if not isinstance(text, str) or not 0 < len(text) <= TRACE_ID:
        return ""
    if len(text) != digits:
        try:
            text = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            return ""
    if len(text) != digits or not _HEX.fullmatch(text) or not text.strip("0"):
        return ""
    return text.lower()


def quote(text: str) -> str:
    """A name for a sentence: short, and safe to print."""
    return "“" + "".join(character for character in text[:60] if character.isprintable()) + "”"


def clean(text: str, limit: int) -> str:
    """The text without what cannot be stored, and cut."""
    if len(text) > limit:
        text = text[:limit]
    if text.isprintable():  # no surrogate is
        return text
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def read_number(number: float) -> Scalar:
    """A number that JSON can hold; others as text, because a count that is dropped would be one of zero."""
    if isinstance(number, float):
        return number if isfinite(number) else str(number)
    return max(-MAX_NUMBER, min(number, MAX_NUMBER))


def keep_scalars(values: list[Value]) -> list[Scalar]:
    """The items of a list that are no lists themselves."""
    return [value for value in values if value is not None and not isinstance(value, list)]
