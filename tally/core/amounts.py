"""Amounts and counts as text, in the spellings of spreadsheets: `$1,234.50`, `1.234,50`, `(5.00)`, `10.0`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

SMALLEST_AMOUNT = Decimal("1e-10")  # numeric(18, 10), as the database stores amounts
MAX_LENGTH = 64
EXAMPLES = 3

_PLAIN = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?")
_DOLLARS = re.compile(
    r"(?P<sign>[-+]?)(?:US\$|USD|\$)?(?P<inner_sign>[-+]?)(?P<number>[0-9.,][0-9.,]*(?:e[-+]?[0-9]{1,3})?)(?:US\$|USD|\$)?",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_GROUPING_SPACE = re.compile(r"(?<=[0-9])['\u2019](?=[0-9]{3})")
_FOREIGN = re.compile(r"[€£¥₹₩₽₺₴฿₫₪]|^[-+]?[a-zł]{1,3}\$?[-+]?[0-9]|[0-9][a-zł]{2,3}$", re.IGNORECASE)
_NUMBER = {
    False: re.compile(
        r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<exponent>e[-+]?[0-9]+)?", re.I
    ),
    True: re.compile(
        r"(?P<whole>[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,(?P<part>[0-9]*))?(?P<exponent>e[-+]?[0-9]+)?", re.I
    ),
}
_EITHER = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


class AmountUnreadable(ValueError):
    """Text that is not an amount in US dollars or a count; the message completes "The amount …"."""


def round_amount(amount: Decimal) -> Decimal:
    """Rounds to the precision of the database, halves away from zero as Postgres does."""
    return amount.quantize(SMALLEST_AMOUNT, ROUND_HALF_UP)


def parse_amount(text: str, decimal_comma: bool = False) -> Decimal:
    """Exact US dollars; raises AmountUnreadable."""
    if not decimal_comma and _PLAIN.fullmatch(text):
        return Decimal(text)
    if len(text) > MAX_LENGTH:
        raise AmountUnreadable(f"has {len(text):,} characters, too many for an amount")
    body = _SPACES.sub("", text).replace("−", "-")  # noqa: RUF001 (the minus sign of spreadsheets)
    if not body:
        raise AmountUnreadable("is empty (write 0 if it was free)")
    if body.startswith("(") and body.endswith(")"):  # negative, as accountants write it
        return -_parse_signed(body[1:-1], decimal_comma)
    return _parse_signed(body, decimal_comma)


def parse_count(text: str, decimal_comma: bool = False) -> int:
    """A count such as `1200`, `1,200`, `10.0` or `1.2E+06`, with empty as 0; raises AmountUnreadable."""
    digits = text if decimal_comma else text.removesuffix(".0")
    if digits.isascii() and digits.isdigit() and len(text) < 20:
        return int(digits)
    if not text or text.isspace():
        return 0
    body = _SPACES.sub("", text)
    if len(body) > MAX_LENGTH:
        raise AmountUnreadable(f"has {len(body):,} characters, too many for a count")
    if body.startswith("-"):
        raise AmountUnreadable("is negative, and a count cannot be")
    value = _parse_number(_GROUPING_SPACE.sub("", body), decimal_comma)
    if value >= 10**18:
        raise AmountUnreadable("is too large for a count")
    if value != value.to_integral_value():
        raise AmountUnreadable("is not a whole number")
    return int(value)


@dataclass(slots=True)
class DecimalStyle:
    """Evidence of a column's decimal sign: a few examples of each kind."""

    point: list[str] = field(default_factory=list)
    comma: list[str] = field(default_factory=list)
    either_comma: list[str] = field(default_factory=list)

    @property
    def decimal_comma(self) -> bool | None:
        """None where the column contradicts itself or has only values such as `1,234`.

        A column with only values such as `1.234` has a decimal point, as programs write it.
        """
        if bool(self.point) != bool(self.comma):
            return bool(self.comma)
        return None if self.comma or self.either_comma else False


def find_decimal_style(cells: Iterable[str]) -> DecimalStyle:
    """Collects examples from a column's values that show its decimal sign."""
    style = DecimalStyle()
    for cell in cells:
        if "," not in cell:
            if len(style.point) >= EXAMPLES and cell.count(".") < 2:
                continue
            if "." not in cell:
                continue
        kind = _classify(cell)
        if kind is not None and len(examples := getattr(style, kind)) < EXAMPLES:
            examples.append(cell.strip())
    return style


def _classify(cell: str) -> str | None:
    digits = re.sub(r"[^0-9.,]", "", cell)
    last_point, last_comma = digits.rfind("."), digits.rfind(",")
    if last_point >= 0 and last_comma >= 0:
        return "point" if last_point > last_comma else "comma"
    sign, other = ("point", "comma") if last_point >= 0 else ("comma", "point")
    if digits.count("." if sign == "point" else ",") > 1:
        return other
    if _EITHER.fullmatch(digits) and "e" not in cell.lower():
        return "either_comma" if sign == "comma" else None
    return sign


def _parse_signed(body: str, decimal_comma: bool) -> Decimal:
    match = _DOLLARS.fullmatch(_GROUPING_SPACE.sub("", body))
    if match is None or (match["sign"] and match["inner_sign"]):
        raise AmountUnreadable(_describe_unreadable(body))
    value = _parse_number(match["number"], decimal_comma)
    return -value if "-" in match["sign"] + match["inner_sign"] else value


def _parse_number(text: str, decimal_comma: bool) -> Decimal:
    match = _NUMBER[decimal_comma].fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        raise AmountUnreadable("is not a number")
    whole = match["whole"].replace("." if decimal_comma else ",", "")
    return Decimal(f"{whole or 0}.{match['part'] or 0}{match['exponent'] or ''}")


def _describe_unreadable(body: str) -> str:
    if body.lower() in ("nan", "inf", "-inf", "infinity", "-infinity"):
        return "is not a number"
    if any(character.isdigit() for character in body) and _FOREIGN.search(body):
        return "is not in US dollars; convert it first"
    return "is not a number"
