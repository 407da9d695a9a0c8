"""The attributes of an item by their meaning."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tally.core.amounts import round_amount
from tally.core.encoding import MAX_COUNT
from tally.telemetry.calls import CallRefused
from tally.telemetry.signals import Attributes, Value
from tally.telemetry.vocabularies import keys

MAX_NAME = 200
MAX_USD = Decimal(1_000_000)  # for one call
MAX_MS = 10**9
NO_SERVICE = "unknown_service"  # as SDKs name a program that has no name
NO_NAMES = frozenset({"unknown", "none", "null", "undefined"})

# Key -> its field, and its place among the keys of that field.
_BY_KEY = {
    key: (field, place) for field, of_field in keys.FIELDS.items() for place, key in enumerate(of_field)
}
_DIGITS = re.compile(r"-?[0-9]{1,40}(?:\.0+)?")


class Told:
    """The statements of an item, and of its program where the item is silent."""

    __slots__ = ("_of_item", "_of_program", "attributes", "resource")

    def __init__(self, attributes: Attributes, resource: Attributes) -> None:
        self.attributes, self.resource = attributes, resource
        self._of_item = gather(attributes)
        self._of_program: Mapping[str, Value] | None = None

    def value(self, field: str) -> Value:
        """The value of a field in the item."""
        return self._of_item.get(field)

    def text(self, field: str) -> str:
        """A name in the item; empty for none."""
        return read_name(self._of_item.get(field))

    def shared(self, field: str) -> str:
        """A name in the item, or in the resource of its program."""
        if self._of_program is None:
            self._of_program = gather_resource(self.resource)
        return read_name(self._of_item.get(field)) or read_name(self._of_program.get(field))

    def count(self, field: str) -> int | None:
        """A count of tokens, None where it is not told; raises CallRefused."""
        value = self._of_item.get(field)
        if type(value) is int and 0 <= value <= MAX_COUNT:
            return value
        return None if value is None else read_count(field, value)

    def number(self, field: str) -> float | None:
        """A number that is not negative, None for others."""
        return read_number(self._of_item.get(field))

    def cost(self) -> Decimal | None:
        """The cost in US dollars that the sender calculated."""
        return read_usd(self._of_item.get("cost"))


def gather(attributes: Attributes) -> dict[str, Value]:
    """The first filled attribute of each field."""
    found: dict[str, Value] = {}
    places: dict[str, int] = {}
    for key, value in attributes.items():
        if (named := _BY_KEY.get(key)) is not None and value is not None and value != "":
            field, place = named
            if place < places.get(field, 1_000):
                found[field], places[field] = value, place
    return found


_last: tuple[Attributes, Mapping[str, Value]] = ({}, {})


def gather_resource(resource: Attributes) -> Mapping[str, Value]:
    """The fields of a program, kept for the next of its items."""
    global _last
    known, found = _last
    if known is not resource:
        found = gather(resource)
        _last = resource, found
    return found


def read_name(value: Value) -> str:
    """A name of bounded length; empty for none, and for words that stand for none."""
    if isinstance(value, str):
        name = value[:MAX_NAME].strip()
        return "" if name.lower() in NO_NAMES or name.startswith(NO_SERVICE) else name
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


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


def read_object(value: Value) -> dict[str, Any]:
    """An object that is written as text, its inner keys joined by dots; empty for none."""
    if not isinstance(value, str) or not value.startswith("{"):
        return {}
    try:
        found = json.loads(value)
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
