"""Any table of AI spending: one row per charge, with the template's columns or similar ones.

A table does not show whether its amounts were billed, so they are estimates unless the user answers that.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import cast, get_args

from tally.catalog.models import canonical_model
from tally.catalog.providers import find_provider
from tally.core.amounts import AmountUnreadable, parse_amount, parse_count
from tally.core.dimensions import DIMENSIONS
from tally.core.encoding import canonical_decimal, encode_parts
from tally.core.records import JSON, NO_MODEL, ChargeType, CostBasis, CostRecord, identity
from tally.currency.rates import USD
from tally.importers.cell_styles import decide_day_first, decide_decimal_comma
from tally.importers.column_matching import (
    REQUIRED,
    check_columns,
    currency_of_heading,
    find_columns,
    find_unused,
)
from tally.importers.protocol import Options, Parsed, RowRejected, checked_name, read_rows, reject_cell
from tally.importers.readers.currencies import convert_to_usd, find_currency, split_currency
from tally.importers.readers.dates import DateUnreadable, Moment, parse_moment
from tally.importers.readers.table import Table, quote

name = "generic"
title = "Table of costs"

NUMBERS = ("cost", "tokens", "input_tokens", "output_tokens", "cached_input_tokens", "requests")
CHARGE_TYPES = {kind: kind for kind in get_args(ChargeType)} | {
    "": "usage",
    "refund": "credit",
    "discount": "credit",
    "vat": "tax",
}
# Currencies of countries where a plain $ means their own dollar or peso.
OTHER_DOLLARS = ("AUD", "CAD", "HKD", "MXN", "NZD", "SGD")
UNANSWERED: CostBasis = "estimated"
MAX_NOTE = 1_000
# Tally's column -> the key in metadata by which rules and dimensions know it.
PURPOSES = {"project": "project", "person": "actor", "customer": DIMENSIONS["customer"].keys[0]}
MAX_TAGS = 20
TEMPLATE = """\
date,provider,model,cost,tokens,requests,note
2026-11-02,OpenAI,gpt-5.5,1.25,48200,12,invoice parser
2026-11-03 14:30,Anthropic,claude-sonnet-5,0.84,96000,7,
2026-11-04,ChatGPT,subscription,20.00,,,monthly plan
"""

_CONTROL_IN_NOTE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def template() -> bytes:
    """A CSV file to download and fill in."""
    return TEMPLATE.encode()


def identify(header: Sequence[str]) -> bool:
    """Check whether the header has a date and a cost under known names."""
    found = find_columns(header, None)
    return all(column in found for column in REQUIRED)


def parse(table: Table, options: Options) -> Parsed:
    """Each row as one record, identified by its content and the number of equal rows before it."""
    columns = find_columns(table.header, options.mapping)
    check_columns(columns, table, options.mapping or {})
    decimal_comma = decide_decimal_comma(table, columns["cost"], options)
    day_first = decide_day_first(table, columns["date"], options)
    currency = currency_of_heading(table.header[columns["cost"]]) or USD
    parsed = read_rows(table, _Rows(columns, options, day_first, decimal_comma, currency).read)
    parsed.unused = find_unused(table.header, columns)
    return parsed


class _Rows:
    """Reader of rows; repeated cells (days, providers, models) are parsed once."""

    def __init__(
        self,
        columns: Mapping[str, int],
        options: Options,
        day_first: bool,
        decimal_comma: bool,
        currency: str,
    ) -> None:
        self._columns = columns
        self._options = options
        self._currency = currency
        self._seen: dict[str, int] = {}
        self._moment = lru_cache(10_000)(
            partial(parse_moment, timezone_name=options.timezone, day_first=day_first)
        )
        self._count = lru_cache(10_000)(partial(parse_count, decimal_comma=decimal_comma))
        self._amount = partial(parse_amount, decimal_comma=decimal_comma)

    def read(self, cells: Sequence[str]) -> CostRecord:
        """One row as a record; raises RowRejected."""
        moment = self._read_moment(cells[self._columns["date"]])
        charge_type = self._read_charge_type(cells)
        amount, currency = self._read_cost(cells, charge_type)
        provider, provider_name = read_provider(self._cell(cells, "provider"))
        written = read_model(self._cell(cells, "model"))
        model_name = canonical_model(written)
        note = read_note(self._cell(cells, "note"))
        counts = {
            column: self._read_count(cells, column) for column in NUMBERS[1:] if column in self._columns
        }
        content = encode_parts(
            self._options.account,
            moment.key,
            provider,
            provider_name,
            written,
            canonical_decimal(amount),
            charge_type,
            note,
            *([currency] if currency != USD else []),
            *[f"{column}={count}" for column, count in counts.items() if count],
        )
        renamed = written if written != model_name else ""
        texts = {"provider_name": provider_name, "note": note, "model": renamed}
        metadata: dict[str, JSON] = {key: text for key, text in texts.items() if text}
        metadata |= self._read_purposes(cells)
        cost_usd = convert_to_usd(metadata, amount, currency, moment.timestamp.date(), self._options)
        input_tokens, output_tokens = _split_tokens(counts, metadata)
        return CostRecord(
            provider=provider,
            timestamp=moment.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(name, self._count_earlier(content), content),
            cost_basis=self._options.cost_basis or UNANSWERED,
            charge_type=charge_type,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=counts.get("cached_input_tokens", 0),
            request_count=counts.get("requests", 0),
            day=moment.day,
            metadata=metadata,
        )

    def _read_purposes(self, cells: Sequence[str]) -> dict[str, JSON]:
        """The purposes of a charge. They identify no row: a file that says more of the same adds nothing."""
        found: dict[str, JSON] = {}
        for column, key in PURPOSES.items():
            if text := checked_name(column, self._cell(cells, column)):
                found[key] = text
        written = re.split(r"[,;|]", self._cell(cells, "tags"))
        tags = list(dict.fromkeys(checked_name("tag", tag.strip()) for tag in written if tag.strip()))
        if len(tags) > MAX_TAGS:
            raise RowRejected(f"the row has {len(tags)} tags; the limit is {MAX_TAGS}")
        return found | ({"tags": [*tags]} if tags else {})

    def _count_earlier(self, content: str) -> int:
        """The number of equal rows before this one, which tells them apart."""
        ordinal = self._seen.get(content, 0)
        self._seen[content] = ordinal + 1
        return ordinal

    def _cell(self, cells: Sequence[str], column: str) -> str:
        index = self._columns.get(column)
        return "" if index is None else cells[index].strip()

    def _read_moment(self, cell: str) -> Moment:
        try:
            return self._moment(cell)
        except DateUnreadable as error:
            raise RowRejected(f"the date {quote(cell)} {error}") from None

    def _read_charge_type(self, cells: Sequence[str]) -> ChargeType:
        cell = self._cell(cells, "charge_type")
        kind = CHARGE_TYPES.get(cell.lower())
        if kind is None:
            raise RowRejected(
                f"the charge type {quote(cell)} is unknown; use {', '.join(get_args(ChargeType))}"
            )
        return cast(ChargeType, kind)

    def _read_cost(self, cells: Sequence[str], charge_type: ChargeType) -> tuple[Decimal, str]:
        cell = cells[self._columns["cost"]].strip()
        number, currency = self._split_currency(cell, self._cell(cells, "currency"))
        try:
            amount = self._amount(number)
        except AmountUnreadable as error:
            raise reject_cell("cost", cell, error) from None
        if amount < 0 and charge_type not in ("credit", "adjustment"):
            raise RowRejected(
                f"the cost {quote(cell)} is negative, which only a credit or an adjustment may be; "
                "set its charge_type"
            )
        if amount > 0 and charge_type == "credit":
            raise RowRejected(f"the cost {quote(cell)} of a credit must be negative")
        return amount, currency

    def _split_currency(self, cell: str, named: str) -> tuple[str, str]:
        """The amount and its currency, from its own column, beside the amount, or from the heading."""
        number, beside = split_currency(cell)
        currency = find_currency(named) if named else beside or self._currency
        in_cell = beside or (USD if "$" in cell or "usd" in cell.lower() else currency)
        if in_cell != currency and not ("$" in cell and currency in OTHER_DOLLARS):
            raise RowRejected(
                f"the cost {quote(cell)} is in {in_cell} and its currency is given as {currency}; correct one"
            )
        return number, currency

    def _read_count(self, cells: Sequence[str], column: str) -> int:
        cell = cells[self._columns[column]]
        try:
            return self._count(cell)
        except AmountUnreadable as error:
            raise reject_cell(column, cell, error) from None


def _split_tokens(counts: Mapping[str, int], metadata: dict[str, JSON]) -> tuple[int, int]:
    total = counts.get("tokens", 0)
    input_tokens, output_tokens = counts.get("input_tokens", 0), counts.get("output_tokens", 0)
    if input_tokens or output_tokens:
        if total and total != input_tokens + output_tokens:
            metadata["total_tokens"] = total
    else:
        input_tokens = total
    if counts.get("cached_input_tokens", 0) > input_tokens:
        raise RowRejected("there are more cached input tokens than input tokens, which must include them")
    return input_tokens, output_tokens


@lru_cache(10_000)
def read_provider(cell: str) -> tuple[str, str]:
    """The provider's slug, and the name as written if it is unknown; raises RowRejected."""
    slug = find_provider(cell)
    if slug or not cell:
        return slug or "other", ""
    return "other", checked_name("provider name", cell)


@lru_cache(10_000)
def read_model(cell: str) -> str:
    """A model's name as written; raises RowRejected for an invalid name."""
    return checked_name("model name", cell) if cell else NO_MODEL


def read_note(cell: str) -> str:
    """A note, which may have line breaks; raises RowRejected."""
    if len(cell) > MAX_NOTE:
        raise RowRejected(f"the note has {len(cell):,} characters; the limit is {MAX_NOTE:,}")
    if _CONTROL_IN_NOTE.search(cell):
        raise RowRejected(f"the note {quote(cell)} contains control characters")
    return cell
