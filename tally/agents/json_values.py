"""Values out of hostile JSON: bounded, printable, or LineRejected."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from tally.agents.events import LineRejected
from tally.core.encoding import MAX_COUNT
from tally.core.text import visible

MIN_YEAR, MAX_YEAR = 2020, 2099
MAX_NAME_LENGTH = 200  # characters of a name out of a log
MAX_PATH_LENGTH = 4_096
BOM = b"\xef\xbb\xbf"  # before the first line of a file that was written again on Windows
MAX_DIGITS = 15  # of a count
MAX_USD = 1_000_000  # for one request
MAX_DEPTH = 6  # of objects in which counts are looked for
CONTENT = frozenset({"content", "toolUseResult", "arguments", "parameters", "result", "output", "response"})
# Compiled when first needed, as all patterns of agents: a stored report is printed without.
_COUNT = r"(?<!max_)(?:input|output|prompt|completion|total|reasoning)_?tokens?(?:_?count)?$"
_AMOUNT = r"[0-9]{1,9}(?:\.[0-9]{1,20})?(?:[eE]-?[0-9]{1,2})?"
_TOKENS = r"(?:tokens?|usage)(?:_?metadata)?$"
_PART = r"(?:input|output|prompt|completion|total|reasoning)$"


def parse_object(line: bytes) -> dict[str, Any]:
    """Parse a JSON object, or raise LineRejected."""
    try:
        record = _load_parser()(line.removeprefix(BOM), allow_inf_nan=False, cache_strings="keys")
    except (ValueError, RecursionError):
        raise LineRejected("it is not JSON") from None
    if not isinstance(record, dict):
        raise LineRejected("it is not a JSON object")
    return record


@cache
def _load_parser() -> Callable[..., Any]:
    from pydantic_core import from_json  # lazy: not needed when there is nothing new to parse

    return from_json


def parse_list(data: bytes) -> list[Any]:
    """Parse a JSON list, or raise LineRejected."""
    found = parse_object(b'{"list":' + data.removeprefix(BOM) + b"}").get("list")
    if not isinstance(found, list):
        raise LineRejected("it is not a JSON list")
    return found


def read_count(values: Mapping[str, Any], key: str) -> int:
    """Return a count of tokens, 0 when absent; LineRejected unless it is a whole number from 0 on.

    It may be written as text, as OTLP does, or with a decimal point.
    """
    value = values.get(key)
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if value is None:
        return 0
    if isinstance(value, str) and len(value) <= MAX_DIGITS and value.isascii():
        digits = value.removesuffix(".0")
        if digits.isdigit():
            return int(digits)
    if isinstance(value, float) and value.is_integer() and 0 <= value <= MAX_COUNT:
        return int(value)
    raise LineRejected(f"{key} is not a count of tokens")


def read_first_count(values: Mapping[str, Any], keys: Iterable[str]) -> int:
    """Return the first of these counts that is there, else 0."""
    return next((read_count(values, key) for key in keys if values.get(key) is not None), 0)


def has_counts(value: object, depth: int = MAX_DEPTH) -> bool:
    """Return whether JSON has counts of tokens anywhere outside prompts, answers and results of tools."""
    if isinstance(value, list):
        return depth > 0 and any(has_counts(inner, depth - 1) for inner in value)
    if not isinstance(value, dict):
        return False
    return any(
        _is_count(key, inner)
        or (depth > 0 and key not in CONTENT and has_counts(_with_keys_of(key, inner), depth - 1))
        for key, inner in value.items()
    )


def _is_count(key: str, value: object) -> bool:
    if isinstance(value, str) and value.isdigit():
        value = int(value[:MAX_DIGITS])
    return type(value) is int and value > 0 and re.search(_COUNT, key, re.IGNORECASE) is not None


def _with_keys_of(key: str, value: object) -> object:
    """Name the parts of an object of tokens so: `tokens.input` is a count of tokens, too."""
    if isinstance(value, dict) and re.search(_TOKENS, key, re.IGNORECASE):
        return {
            f"{name}_tokens" if re.match(_PART, name, re.IGNORECASE) else name: inner
            for name, inner in value.items()
        }
    return value


def read_name(values: Mapping[str, Any], key: str) -> str:
    """Return a text as a printable name; empty when there is none."""
    value = values.get(key)
    return printable(value) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """Drop unprintable characters and shorten: PostgreSQL stores neither NUL nor lone surrogates."""
    return visible(text[:MAX_NAME_LENGTH])


def read_instant(value: object) -> datetime:
    """Return an ISO 8601 instant with an offset in UTC, or raise LineRejected."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not MIN_YEAR <= instant.year <= MAX_YEAR:
        raise LineRejected("its time cannot be read")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def read_unix(seconds: float) -> datetime:
    """Return the instant of Unix seconds, or raise LineRejected."""
    try:
        instant = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        instant = datetime.min.replace(tzinfo=UTC)
    if not MIN_YEAR <= instant.year <= MAX_YEAR:
        raise LineRejected("its time cannot be read")
    return instant


def read_time(value: object) -> datetime:
    """Return the instant of a Unix time in any unit, or of an ISO 8601 time, in UTC without a zone."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit()):
            return read_instant(value if _has_zone(value) else f"{value}+00:00")
        value = int(value[:25])
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        raise LineRejected("its time cannot be read")
    return read_unix(value / 10 ** max(0, len(str(int(min(value, 10.0**25)))) - 10))


def _has_zone(text: str) -> bool:
    return text.endswith(("Z", "z")) or "+" in text or "-" in text[19:]


def read_cost(value: object) -> str:
    """Return a cost in US dollars as text; empty for 0, which also means that the price was unknown."""
    if isinstance(value, str) and re.fullmatch(_AMOUNT, value):
        value = float(value)
    is_known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_USD
    return repr(value) if is_known else ""


def child(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under a key; empty when there is none."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def read_folder(values: Mapping[str, Any], key: str) -> str:
    """Return a POSIX or Windows path; of a very long one its last folder, empty when there is none."""
    path = values.get(key)
    return _bound_path(path) if isinstance(path, str) else ""


@lru_cache(1_000)  # one object for equal paths, which is sent between processes once
def _bound_path(path: str) -> str:
    return path if len(path) <= MAX_PATH_LENGTH else last_folder(path)


@lru_cache(1_000)
def last_folder(path: str) -> str:
    """Return the last folder of a path as a printable name."""
    return printable(path.replace("\\", "/").rstrip("/").rpartition("/")[2])
