"""Parts of identities as text, and the bound of counts; without the imports of records, for a quick start."""

from datetime import UTC, date, datetime
from decimal import Decimal

MAX_COUNT = 10**15


def encode_parts(*parts: str | int | Decimal | date | None) -> str:
    """Unambiguous text encoding of the parts."""
    return "".join([f"{len(part)}:{part}" if type(part) is str else _encode_part(part) for part in parts])


def _encode_part(part: str | int | Decimal | date | None) -> str:
    """A letter for the type, the value and a semicolon; text parts begin with their length instead."""
    if part is None:
        return "n;"
    if isinstance(part, int):
        return f"i{part};"
    if isinstance(part, Decimal):
        return f"d{canonical_decimal(part)};"
    if isinstance(part, datetime):
        return f"t{part.astimezone(UTC).isoformat()};"
    if isinstance(part, date):
        return f"D{part.isoformat()};"
    raise TypeError(f"{type(part).__name__} cannot be part of an identity")


def canonical_decimal(value: Decimal) -> str:
    """The same text for equal numbers: 1.50, 1.5 and 15E-1 are all `1.5`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
