"""The readable part of a protobuf request that the parser refuses as a whole.

Such a request usually has one text that is not UTF-8. It is taken apart down to its items, whose bytes are
parsed one by one, and put together again without those that fail.
"""

from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from tally.core.protobuf import encode_field
from tally.telemetry.signals import Decoded

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT = 10
# A request's items lie three messages deep: those of a program, those of an instrument, the items.
DEPTH = 3
MAX_FIELDS = 200_000  # more than 16 MB of real items have

ITEMS = {"Span": "span", "LogRecord": "log record"}
WHY = "its texts must be UTF-8. Check how they are encoded."


class Field(NamedTuple):
    """A field as it was written."""

    number: int
    data: bytes  # with its tag, and its length
    content: bytes | None  # of a message, a text or bytes


def without_unreadable(request: Message, body: bytes, decoded: Decoded) -> bytes:
    """The bytes without what cannot be parsed, each with a sentence; ValueError for no request at all."""
    return _filter(type(request), body, DEPTH, decoded, iter(range(MAX_FIELDS)))


def _filter(
    kind: type[Message], data: bytes, depth: int, decoded: Decoded, allowance: Iterator[int]
) -> bytes:
    """The fields that can be parsed; of others, as much as can be when they are taken apart."""
    kept: list[bytes] = []
    for field in split(data):
        if next(allowance, None) is None:
            raise ValueError("more fields than a request has")
        try:
            kind().ParseFromString(field.data)
            kept.append(field.data)
        except DecodeError:
            inner = _find_repeated(kind, field.number)
            if inner is None or field.content is None:
                decoded.remarks.append(f"The sender of some items could not be read: {WHY}")
            elif depth == 1:
                decoded.rejected.append(
                    f"A {ITEMS.get(inner.DESCRIPTOR.name, 'part')} could not be read: {WHY}"
                )
            else:
                readable = _filter(inner, field.content, depth - 1, decoded, allowance)
                kept.append(encode_field(field.number, readable))
    return b"".join(kept)


def _find_repeated(kind: type[Message], number: int) -> type[Message] | None:
    """The messages in a repeated field."""
    field = kind.DESCRIPTOR.fields_by_number.get(number)
    is_many = field is not None and field.message_type is not None and field.is_repeated
    return GetMessageClass(field.message_type) if field is not None and is_many else None


def split(data: bytes) -> Iterator[Field]:
    """The fields of a message; ValueError where it has none."""
    place = 0
    while place < len(data):
        tag, after = _read_varint(data, place)
        content = None
        if tag & 7 == BYTES:
            size, start = _read_varint(data, after)
            after = start + size
            content = data[start:after]
        else:
            after = _skip(data, after, tag & 7)
        if after > len(data):
            raise ValueError("a field ends beyond its message")
        if not tag >> 3:
            raise ValueError("a field without a number")
        yield Field(tag >> 3, data[place:after], content)
        place = after


def _skip(data: bytes, place: int, wire_type: int) -> int:
    if wire_type == VARINT:
        return _read_varint(data, place)[1]
    if wire_type in (FIXED64, FIXED32):
        return place + (8 if wire_type == FIXED64 else 4)
    raise ValueError("a field of no known type")


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for index, byte in enumerate(data[place : place + MAX_VARINT]):
        number |= (byte & 127) << (7 * index)
        if byte < 128:
            return number, place + index + 1
    raise ValueError("a number without an end")
