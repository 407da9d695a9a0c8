"""The attributes of an item by their meaning."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from tally.core.amounts import round_amount
from tally.core.encoding import MAX_COUNT
from tally.core.repositories import name_repository
from tally.core.text import replace_unstorable, visible
from tally.telemetry.calls import CallRefused
from tally.telemetry.signals import MAX_TIME, MIN_TIME, Attributes, Value
from tally.telemetry.vocabularies import keys

MAX_NAME = 200
MAX_TAGS, MAX_TAG = 20, 100
MAX_SHAPES, MAX_KEYS = 500, 64  # of items that are remembered
MAX_USD = Decimal(1_000_000)  # for one call
MAX_MS = 10**9
NO_SERVICE = "unknown_service"  # as SDKs name a program that has no name
NO_BRANCH = "HEAD"  # as git names it
NO_NAMES = frozenset({"unknown", "none", "None", "null", "undefined"})

# Field -> the attribute of a call that it names.
NAMES = {
    "model": "model",
    "agent": "agent",
    "task": "task",
    "session": "session",
    "service": "service",
    "person": "person",
    "project": "project",
    "end user": "end_user",
    "operation": "operation",
    "tool": "tool",
    "branch": "branch",
    "repository": "repository",
    "environment": "environment",
    "container": "container",
    "prompt name": "prompt_name",
    "prompt version": "prompt_version",
    "region": "region",
    "tier": "service_tier",
    "speed": "speed",
}
# Key -> its field, and its place among the keys of that field.
_BY_KEY = {
    key: (field, place) for field, of_field in keys.FIELDS.items() for place, key in enumerate(of_field)
}
STEPS = ("agent", "task")  # what spans around a call may name, too
_ATTRIBUTES = NAMES.get
_ADDRESS = re.compile(r"[:@\\]|^[/.~]|\.git$")
_DIGITS = re.compile(r"-?[0-9]{1,40}(?:\.0+)?")


class Program(NamedTuple):
    """The statements of a program about all its items: by attribute of a call, and as tags."""

    resource: Attributes
    names: dict[str, str]
    tags: dict[str, str]


class Told:
    """The statements of an item, and of its program where the item is silent."""

    __slots__ = ("attributes", "fields", "of_tags", "program")

    def __init__(self, attributes: Attributes, resource: Attributes) -> None:
        self.attributes = attributes
        shape = find_shape(attributes)
        self.of_tags = shape.tags
        self.fields = _gather(attributes, shape)
        self.program = read_program(resource)

    def value(self, field: str) -> Value:
        """The value of a field."""
        return self.fields.get(field)

    def text(self, field: str) -> str:
        """A name; empty for none."""
        value = self.fields.get(field)
        return "" if value is None else read_name(value)

    def names(self) -> dict[str, Any]:
        """All names, by the attribute of a call that they fill."""
        found: dict[str, Any] = self.program.names.copy()
        for field, value in self.fields.items():
            if (attribute := _ATTRIBUTES(field)) is not None:
                name = _read_text_of(field, value) if type(value) is str else read_name_of(field, value)
                if name:
                    found[attribute] = name
        return found

    def of_program(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of steps among those of a call that its program told, and the call did not."""
        of_program = self.program.names
        return tuple(
            name
            for name in STEPS
            if name in of_program and found.get(name) == of_program[name] and not self.text(name)
        )

    def tags(self) -> Mapping[str, str]:
        """Tags of the item and of its program that people chose, as names with values."""
        found: dict[str, str] = {}
        for key, tag in self.of_tags:
            value = self.attributes[key]
            for name, of_name in (
                [(tag, read_name(value))] if tag else [(each, "") for each in read_list(value)]
            ):
                if name and len(found) < MAX_TAGS:
                    found.setdefault(name[:MAX_TAG], of_name[:MAX_TAG])
        if not found:
            return self.program.tags
        return dict(list((self.program.tags | found).items())[:MAX_TAGS]) if self.program.tags else found

    def count(self, field: str) -> int | None:
        """A count of tokens, None where it is not told; raises CallRefused."""
        value = self.fields.get(field)
        if type(value) is int and 0 <= value <= MAX_COUNT:
            return value
        return None if value is None else read_count(field, value)

    def number(self, field: str) -> float | None:
        """A number that is not negative, None for others."""
        return read_number(self.fields.get(field))

    def cost(self) -> Decimal | None:
        """The cost in US dollars that the sender calculated."""
        return read_usd(self.fields.get("cost"))


class Shape(NamedTuple):
    """The fields that an item may have by its keys, each with these keys in their order, and its tags."""

    fields: Sequence[tuple[str, Sequence[str]]]
    tags: Sequence[tuple[str, str]]  # keys with the names of tags, empty for lists of tags


def gather(attributes: Attributes) -> dict[str, Value]:
    """The first filled attribute of each field."""
    return _gather(attributes, find_shape(attributes))


def _gather(attributes: Attributes, shape: Shape) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for field, of_field in shape.fields:
        for key in of_field:
            value = attributes[key]
            if value is not None and value != "":
                found[field] = value
                break
    return found


def find_shape(attributes: Attributes) -> Shape:
    """The shape of an item; an instrument's items have few, so it is looked up unless they are too many."""
    names = tuple(attributes)
    return _known_shape(names) if len(names) <= MAX_KEYS else _make_shape(names)


def _make_shape(names: tuple[str, ...]) -> Shape:
    fields: dict[str, list[tuple[int, str]]] = defaultdict(list)
    tags = []
    for key in names:
        if (named := _BY_KEY.get(key)) is not None:
            field, place = named
            fields[field].append((place, key))
        elif (tag := find_tag(key)) is not None:
            tags.append((key, tag))
    return Shape([(field, [key for _, key in sorted(found)]) for field, found in fields.items()], tags)


_known_shape = lru_cache(MAX_SHAPES)(_make_shape)


_last_program = Program({}, {}, {})


def read_program(resource: Attributes) -> Program:
    """The statements of a program, kept for the next of its items."""
    global _last_program
    known = _last_program
    if known.resource is resource:
        return known
    names = {
        attribute: name
        for field, value in gather(resource).items()
        if (attribute := NAMES.get(field)) in keys.OF_PROGRAMS
        and attribute
        and (name := read_name_of(field, value))
    }
    chosen = [
        (key, read_name(value))
        for key, value in resource.items()
        if not key.startswith(keys.AUTOMATIC_RESOURCE) and key not in keys.KNOWN
    ]
    tags = {key[:MAX_TAG]: value[:MAX_TAG] for key, value in chosen[:MAX_TAGS]}
    _last_program = Program(resource, names, tags)
    return _last_program


@lru_cache(10_000)
def find_tag(key: str) -> str | None:
    """The name of a tag by its key; empty for a list of tags, None for what is no tag."""
    if key in keys.TAG_LISTS:
        return ""
    if not key.startswith(keys.TAG_PREFIXES) or key in keys.KNOWN:
        return None
    return key.removeprefix(next(each for each in keys.TAG_PREFIXES if key.startswith(each))) or None


def read_list(value: Value) -> list[str]:
    """The items of a list, also of one that is written as text."""
    if isinstance(value, str):
        listed: Any = value.split(",")
        if value.startswith("["):
            listed = read_object(f'{{"list":{value}}}').get("list")
        value = listed if isinstance(listed, list) else []
    return [read_name(item) for item in value] if isinstance(value, list) else []


def read_name(value: Value) -> str:
    """A name of bounded length; empty for none, and for words that stand for none."""
    if isinstance(value, str):
        name = visible(value if len(value) <= MAX_NAME else value[:MAX_NAME]).strip()
        return "" if name in NO_NAMES or name.startswith(NO_SERVICE) else name
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def read_name_of(field: str, value: Value) -> str:
    """The name in a field: of a repository without its address, of a checkout without a branch none."""
    if field == "repository" and isinstance(value, str) and _ADDRESS.search(value):
        return name_repository(value)
    name = read_name(value)
    return "" if field == "branch" and name == NO_BRANCH else name


_read_text_of = lru_cache(20_000)(read_name_of)  # of texts alone: to a cache, 1 and True are the same


def read_count(field: str, value: Value) -> int:
    """A count, also as text or with a decimal point; raises CallRefused."""
    number: object = value
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        number = int(value.strip().partition(".")[0])
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_COUNT:
        return number
    raise CallRefused(f"its {field} are {str(value)[:40]}; whole numbers from 0 to 10^15 are possible")


def read_number(value: Value, limit: float = MAX_MS) -> float | None:
    """A number that is not negative, also as text; None for others."""
    if isinstance(value, str):
        try:
            value = float(value[:40])
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and isinstance(value, int | float) and 0 <= value <= limit else None


def read_usd(value: object) -> Decimal | None:
    """An amount in US dollars; None for none, and for what no call costs."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        usd = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return round_amount(usd) if usd.is_finite() and 0 <= usd < MAX_USD else None


def read_instant(value: object) -> datetime | None:
    """An instant that is written as text, in UTC; None for one that no call can have had."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is None or not MIN_TIME <= found < MAX_TIME:
        return None
    return found.astimezone(UTC)


def read_tags(listed: object) -> dict[str, str]:
    """The tags in a list, which have no values."""
    names = [read_name(tag)[:MAX_TAG] for tag in listed[:MAX_TAGS]] if isinstance(listed, list) else []
    return {name: "" for name in names if name}


def read_object(value: Value) -> dict[str, Any]:
    """An object that is written as text, its inner keys joined by dots; empty for none."""
    if not isinstance(value, str) or not value.startswith("{"):
        return {}
    try:
        found = json.loads(replace_unstorable(value.encode()))
    except (ValueError, RecursionError):
        return {}
    return flatten(found)


def flatten(found: Mapping[str, Any], before: str = "", depth: int = 4) -> dict[str, Any]:
    """The values of an object by their paths."""
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, dict) and depth:
            flat |= flatten(value, f"{before}{key}.", depth - 1)
        elif value is not None:
            flat[f"{before}{key}"] = value
    return flat
