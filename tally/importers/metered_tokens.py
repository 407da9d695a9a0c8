"""Tokens of a charge, from its quantity and the words of its meter."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from tally.core.encoding import MAX_COUNT
from tally.importers.exports import Numbers
from tally.importers.protocol import Options, RowRejected
from tally.importers.readers.table import Table, quote
from tally.pricing.usage import Usage

FACTORS = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}

_UNIT = re.compile(r"(?P<times>[0-9]*)\s*(?P<factor>k|m|thousand|million)?\s*tokens?")
_CACHE_WRITE = re.compile(r"cache[ _-]?write|cache[ _-]creation|cach?e?d? wr")
_CACHED = re.compile(r"cache|cchd|\bcd\b")
_OUTPUT = re.compile(r"\bout|output|\bopt\b|completion")
_INPUT = re.compile(r"\binp|input|prompt")


class Quantity(NamedTuple):
    """Metered units of a charge, as written."""

    amount: Decimal
    unit: str


def quantity_reader(
    table: Table, options: Options, amount_column: str, unit_column: str
) -> Callable[[Sequence[str]], Quantity]:
    """A reader of the quantity of a row; 0 where it has no unit or no amount."""
    numbers, unit = Numbers(table, options, amount_column), table.reader(unit_column)

    def read_quantity(cells: Sequence[str]) -> Quantity:
        is_blank = not unit(cells) or numbers.is_blank(amount_column, cells)
        return Quantity(Decimal(0) if is_blank else numbers.amount(amount_column, cells), unit(cells))

    return read_quantity


def count_tokens(used: Quantity, words: Iterable[str]) -> Usage:
    """The tokens in the direction that the words name, none for other units; raises RowRejected."""
    tokens, text = int(used.amount * find_unit(used.unit)), " ".join(words).casefold()
    if tokens > MAX_COUNT:
        raise RowRejected(f"the quantity {quote(f'{used.amount:f}')} is beyond 10^15 tokens")
    if tokens <= 0:
        return Usage()
    if _CACHE_WRITE.search(text):
        return Usage(input_tokens=tokens, cache_write_tokens=tokens)
    if _CACHED.search(text):
        return Usage(input_tokens=tokens, cached_input_tokens=tokens)
    if _OUTPUT.search(text):
        return Usage(output_tokens=tokens)
    return Usage(input_tokens=tokens) if _INPUT.search(text) else Usage()


@lru_cache(1_000)
def find_unit(unit: str) -> int:
    """The number of tokens in a unit such as `1K Tokens`; 0 for other units."""
    found = _UNIT.fullmatch(unit.strip().casefold())
    return int(found["times"] or 1) * FACTORS.get(found["factor"], 1) if found else 0
