"""What the collectors of coding-agent logs have in common: a request as a log tells it, and hostile JSON."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tally.core.records import MAX_COUNT

FIRST_YEAR, LAST_YEAR = 2020, 2100
MAX_NAME_LENGTH = 200  # characters of a name out of a log
MAX_STORED_REJECTIONS = 200  # of one file; the counts are always complete


class LineRejected(Exception):
    """This line is about usage and cannot be counted; the text says why."""


class Event(NamedTuple):
    """One request, by a name of its own. Input includes what was cached, output what was thought.

    A tuple, because tens of thousands of them travel between processes.
    """

    name: str
    timestamp: datetime
    vendor: str  # whose API it is: a provider's slug
    model: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0
    context: tuple[str, str] | None = None  # what makes it dearer or cheaper, as prices name it
    session: str = ""
    project: str = ""
    request_id: str = ""  # the provider's own name of it
    attempt: str = ""  # tells two requests of one name apart
    is_sidechain: bool = False
    logged_usd: str = ""  # what the tool says it costs

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def rank(self) -> tuple[bool, int, int, bool]:
        """Which of two statements of one request is to be believed: the larger."""
        return (not self.is_sidechain, self.tokens, self.output_tokens, self.context is not None)


@dataclass(slots=True)
class Reading:
    """What is in a part of a file: its requests, the lines refused, and what the next part needs."""

    events: list[Event] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def reject(self, reason: str) -> None:
        """Count a line that is about usage and cannot be read."""
        self.rejected += 1
        if len(self.reasons) < MAX_STORED_REJECTIONS:
            self.reasons.append(reason)


class Slot(NamedTuple):
    """What is known of one request: the name it goes by, and how much its best statement is worth."""

    name: str
    attempt: str
    rank: tuple[bool, int, int, bool]


class Known:
    """Requests of one agent that were collected before, as its rules want to see them."""

    def __init__(self, slots: Mapping[str, list[Slot]]) -> None:
        self._slots = slots

    def slots(self, name: str) -> list[Slot]:
        """Those of this name, the first one first."""
        return self._slots.get(name, [])


class Collector(Protocol):
    """One coding agent: where its logs are, and how a part of one is read.

    `parse` gets whole lines, or the whole file where `by_line` is False, and the state that it left behind
    for this file. `settle` picks the one statement of each request that counts.
    """

    name: str
    title: str
    by_line: bool

    def find_files(self, home: Path, environment: Mapping[str, str]) -> list[Path]:
        """Its log files, in a fixed order."""

    def parse(self, data: bytes, path: Path, state: dict[str, Any]) -> Reading:
        """Read a part of a log."""

    def settle(self, events: Iterable[Event], known: Known) -> list[Event]:
        """What is new among these: each request once."""


def settle_first(events: Iterable[Event], known: Known) -> list[Event]:
    """Each name once, its first statement."""
    found: dict[str, Event] = {}
    for event in events:
        if event.name not in found and not known.slots(event.name):
            found[event.name] = event
    return list(found.values())


def settle_last(events: Iterable[Event], known: Known) -> list[Event]:
    """Each name once, its last statement; one that says what was known before is nothing new."""
    found = {event.name: event for event in events}
    return [
        event for event in found.values() if event.rank not in {slot.rank for slot in known.slots(event.name)}
    ]


def parse_object(line: bytes) -> dict[str, Any]:
    """The JSON object of a line, or LineRejected."""
    from pydantic_core import from_json  # who only looks whether there is something new does without

    try:
        record = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except (ValueError, RecursionError):
        raise LineRejected("it is not JSON") from None
    if not isinstance(record, dict):
        raise LineRejected("it is not a JSON object")
    return record


def read_count(values: Mapping[str, Any], key: str) -> int:
    """A count of tokens; absent is 0, anything but a whole number that is not negative is LineRejected."""
    value = values.get(key)
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if value is None:
        return 0
    raise LineRejected(f"{key} is not a count of tokens")


def read_name(values: Mapping[str, Any], key: str) -> str:
    """A text, shortened to what a name may be; empty where there is none."""
    value = values.get(key)
    return printable(value) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """What of a text can be kept and shown: a database takes no NUL and no half of a character."""
    if len(text) > MAX_NAME_LENGTH or not text.isprintable():
        text = "".join(character for character in text[:MAX_NAME_LENGTH] if character.isprintable())
    return text


def read_instant(value: object) -> datetime:
    """An instant in ISO form with its zone, or LineRejected."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not FIRST_YEAR <= instant.year < LAST_YEAR:
        raise LineRejected("its time cannot be read")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def read_unix(seconds: float) -> datetime:
    """An instant from Unix seconds, or LineRejected."""
    try:
        instant = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        instant = datetime.min.replace(tzinfo=UTC)
    if not FIRST_YEAR <= instant.year < LAST_YEAR:
        raise LineRejected("its time cannot be read")
    return instant


def child(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; empty where there is none."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def read_folder(values: Mapping[str, Any], key: str) -> str:
    """The last folder of a path, from whichever system; empty where there is none."""
    path = values.get(key)
    return _last_folder(path) if isinstance(path, str) else ""


@lru_cache(1_000)
def _last_folder(path: str) -> str:
    return printable(path.replace("\\", "/").rstrip("/").rpartition("/")[2])


def folders_from(environment: Mapping[str, str], variable: str, *defaults: Path) -> list[Path]:
    """The folders that a variable names, separated by commas, in place of the usual ones."""
    named = environment.get(variable, "")
    folders = [Path(part.strip()).expanduser() for part in named.split(",") if part.strip()]
    return folders or list(defaults)


def files_under(folders: Sequence[Path], is_log: Callable[[str], bool]) -> list[Path]:
    """The logs in these folders, each once, in a fixed order; links to folders are not followed."""
    found: dict[Path, None] = {}
    for folder in folders:
        for parent, inner, names in os.walk(folder):
            inner.sort()
            found |= {Path(parent, name): None for name in sorted(names) if is_log(name)}
    return [path for path in found if path.is_file()]
