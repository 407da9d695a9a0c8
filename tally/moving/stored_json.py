"""The room that a JSON value takes in the database, which bounds it."""

import json
from decimal import Decimal
from typing import Any

MAX_STATEMENT = 8_192  # bytes of a statement's metadata, as the database measures them
_ALIGNED = 4
_SHORT = 1_500  # characters, which take less than six bytes each


def measure(value: Any) -> int:
    """The bytes of an object or a list as jsonb."""
    return 4 + _end_of_container(value, 0)


def fits_statement(metadata: dict[str, Any]) -> bool:
    """True for metadata that the database stores with a statement."""
    return len(str(metadata)) <= _SHORT or measure(metadata) <= MAX_STATEMENT


def _end_of_container(value: Any, start: int) -> int:
    """The offset behind a container: its head, a word for each key and value, the keys, and the values."""
    if isinstance(value, dict):
        keys = sorted((key.encode() for key in value), key=lambda key: (len(key), key))
        children = [value[key.decode()] for key in keys]
        end = start + 4 + 8 * len(keys) + sum(map(len, keys))
    else:
        children = value
        end = start + 4 + 4 * len(children)
    for child in children:
        end = _end_of(child, end)
    return end


def _end_of(value: Any, start: int) -> int:
    if isinstance(value, str):
        return start + len(value.encode())
    if value is None or isinstance(value, bool):
        return start
    aligned = -(-start // _ALIGNED) * _ALIGNED
    if isinstance(value, dict | list):
        return _end_of_container(value, aligned)
    return aligned + _measure_number(Decimal(json.dumps(value)))


def _measure_number(number: Decimal) -> int:
    """A head, and two bytes for each four digits on either side of the point, without zeros at the ends."""
    whole, _, part = format(number.copy_abs(), "f").partition(".")
    scale = len(part)
    whole, part = whole.rjust(-(-len(whole) // 4) * 4, "0"), part.ljust(-(-scale // 4) * 4, "0")
    quads = [(whole + part)[place : place + 4] for place in range(0, len(whole) + len(part), 4)]
    first_weight = len(whole) // 4 - 1
    while quads and quads[0] == "0000":
        quads.pop(0)
        first_weight -= 1
    while quads and quads[-1] == "0000":
        quads.pop()
    weight = first_weight if quads else 0
    has_short_head = scale <= 63 and -64 <= weight <= 63
    return 4 + (2 if has_short_head else 4) + 2 * len(quads)
