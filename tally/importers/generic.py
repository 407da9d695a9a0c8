"""Any table of AI spending: one row a charge, with the columns of the template or names close to them."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from typing import cast, get_args

from tally.catalog.providers import find_provider
from tally.core.amounts import AmountUnreadable, find_decimal_style, parse_amount, parse_count
from tally.core.records import (
    JSON,
    NO_MODEL,
    ChargeType,
    CostRecord,
    canonical_decimal,
    encode_parts,
    identity,
)
from tally.currency.rates import USD, bundled_rates
from tally.importers.protocol import (
    AmbiguousDates,
    AmbiguousNumbers,
    MissingColumns,
    Options,
    Parsed,
    RowRejected,
    checked_name,
    read_rows,
    reading,
)
from tally.importers.readers.currencies import convert_to_usd, find_currency, split_currency
from tally.importers.readers.dates import DateUnreadable, Moment, find_day_order, parse_moment
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Table, quote

name = "generic"
title = "Table of costs"

REQUIRED = ("date", "cost")
# Our column -> the headers that mean it, best first, as they read without case and punctuation.
COLUMNS = {
    "date": (
        "date",
        "day",
        "timestamp",
        "datetime",
        "time",
        "created_at",
        "created",
        "usage_date",
        "start_time",
    ),
    "provider": ("provider", "vendor", "provider_name", "service", "company", "source", "platform"),
    "model": ("model", "model_name", "model_id", "engine", "product", "plan", "item"),
    "cost": (
        "cost",
        "cost_usd",
        "usd",
        "cost_in_usd",
        "amount",
        "amount_usd",
        "price",
        "price_usd",
        "spend",
        "spend_usd",
        "total_cost",
        "total_cost_usd",
        "total",
        "charge",
    ),
    "tokens": ("tokens", "total_tokens", "tokens_used", "token_count"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_prompt", "tokens_in"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_completion", "tokens_out"),
    "cached_input_tokens": ("cached_input_tokens", "cached_tokens", "cache_read_tokens", "tokens_cached"),
    "requests": ("requests", "request_count", "num_requests", "calls", "api_calls", "count"),
    "currency": ("currency", "currency_code"),
    "charge_type": ("charge_type", "type", "kind"),
    "note": ("note", "notes", "description", "comment", "memo", "details"),
}
NUMBERS = ("cost", "tokens", "input_tokens", "output_tokens", "cached_input_tokens", "requests")
CHARGE_TYPES = {kind: kind for kind in get_args(ChargeType)} | {
    "": "usage",
    "refund": "credit",
    "discount": "credit",
    "vat": "tax",
}
# In whose countries a plain $ means their own.
OTHER_DOLLARS = ("AUD", "CAD", "HKD", "MXN", "NZD", "SGD")
MAX_NOTE = 1_000
TEMPLATE = """\
date,provider,model,cost,tokens,requests,note
2026-11-02,OpenAI,gpt-5.5,1.25,48200,12,invoice parser
2026-11-03 14:30,Anthropic,claude-sonnet-5,0.84,96000,7,
2026-11-04,ChatGPT,subscription,20.00,,,monthly plan
"""

_CONTROL_IN_NOTE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def template() -> bytes:
    """A CSV file to fill in, for download."""
    return TEMPLATE.encode()


def identify(header: Sequence[str]) -> bool:
    """Whether the header has a date and a cost under names that are known."""
    found = find_columns(header, None)
    return all(column in found for column in REQUIRED)


def parse(table: Table, options: Options) -> Parsed:
    """Every row as one record; a row's identity is its content and how many like it came before."""
    columns = find_columns(table.header, options.mapping)
    _check_required(columns, table, options.mapping or {})
    decimal_comma = decide_decimal_comma(table, columns, options)
    day_first = decide_day_first(table, columns["date"], options)
    currency = currency_of_heading(table.header[columns["cost"]]) or USD
    return read_rows(table, _Rows(columns, options, day_first, decimal_comma, currency).read)


def find_columns(header: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, int]:
    """Our columns -> where they stand: what the person mapped first, then by name."""
    mapping = mapping or {}
    found = {mapping[heading]: index for index, heading in enumerate(header) if heading in mapping}
    taken = set(found.values())
    names = [normalise_heading(heading) for heading in header]
    # `cost_eur` is a cost as well; its currency is read with its rows.
    names = [
        name.rpartition("_")[0] if currency_of_heading(name) not in ("", USD) else name for name in names
    ]
    for column, synonyms in COLUMNS.items():
        if column in found:
            continue
        for synonym in synonyms:
            if synonym in names and (index := names.index(synonym)) not in taken:
                found[column] = index
                taken.add(index)
                break
    return found


def normalise_heading(heading: str) -> str:
    """`Cost (USD)` and `cost_usd` are one name; the sign of a currency stands for its code."""
    name = heading.casefold().replace("$", "usd").replace("€", "eur").replace("£", "gbp")
    return re.sub(r"[^a-z0-9]+", "_", name).strip("_")


def currency_of_heading(heading: str) -> str:
    """The currency that a heading such as `Cost (EUR)` names, or nothing."""
    cost, _, code = normalise_heading(heading).rpartition("_")
    return code.upper() if cost in COLUMNS["cost"] and code.upper() in bundled_rates().currencies else ""


def decide_decimal_comma(table: Table, columns: Mapping[str, int], options: Options) -> bool:
    """Whether the file writes 1.234,50; raises AmbiguousNumbers where its costs do not tell."""
    if options.decimal_comma is not None:
        return options.decimal_comma
    index = columns["cost"]
    style = find_decimal_style(cells[index] for _, cells in table.rows)
    if style.decimal_comma is not None:
        return style.decimal_comma
    examples = style.point[:1] + style.comma[:1] + style.either_comma
    raise AmbiguousNumbers(
        f"Costs such as {_list(examples)} can be read in two ways. "
        "Is the comma the decimal sign, or the point?",
        examples,
    )


def decide_day_first(table: Table, index: int, options: Options) -> bool:
    """Whether 03/04/2026 is the 3rd of April; raises AmbiguousDates where the column does not tell."""
    if options.day_first is not None:
        return options.day_first
    order = find_day_order(cells[index] for _, cells in table.rows)
    if order.decided is not None:
        return order.decided
    examples = order.day_first[:1] + order.month_first[:1] + order.either
    raise AmbiguousDates(
        f"Dates such as {_list(examples)} can be read in two ways. Does the day come first, or the month?",
        examples,
    )


def _check_required(columns: Mapping[str, int], table: Table, mapping: Mapping[str, str]) -> None:
    unknown = sorted(set(mapping.values()) - set(COLUMNS))
    absent = sorted(set(mapping) - set(table.header))
    if unknown or absent:
        raise ImportRefused(
            f"The column mapping does not fit {table.filename}: {_list(unknown + absent)} is not there. "
            "Map its columns again."
        )
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise MissingColumns(
            f"{table.filename} has no column for {' and '.join(missing)}. It has {_list(table.header)}. "
            "Say which of them is meant, or rename it.",
            missing,
            table.header,
        )


def _list(texts: Sequence[str]) -> str:
    shown = ", ".join(quote(text) for text in texts[:12])
    return shown if len(texts) <= 12 else f"{shown} and {len(texts) - 12} more"


class _Rows:
    """Reads one row after another; cells that repeat (days, providers, models) are read once."""

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
        """One row as a record, or RowRejected."""
        columns = self._columns
        moment = self._read_moment(cells[columns["date"]])
        charge_type = self._read_charge_type(cells)
        amount, currency = self._read_cost(cells, charge_type)
        provider, provider_name = read_provider(self._cell(cells, "provider"))
        model_name = read_model(self._cell(cells, "model"))
        note = read_note(self._cell(cells, "note"))
        counts = {column: self._read_count(cells, column) for column in NUMBERS[1:] if column in columns}
        content = encode_parts(
            self._options.account,
            moment.key,
            provider,
            provider_name,
            model_name,
            canonical_decimal(amount),
            charge_type,
            note,
            *([currency] if currency != USD else []),
            *[f"{column}={count}" for column, count in counts.items() if count],
        )
        ordinal = self._seen.get(content, 0)
        self._seen[content] = ordinal + 1
        metadata: dict[str, JSON] = {}
        if moment.day:
            metadata["day"] = moment.day
        if provider_name:
            metadata["provider_name"] = provider_name
        if note:
            metadata["note"] = note
        day = date.fromisoformat(moment.day) if moment.day else moment.timestamp.date()
        cost_usd = convert_to_usd(metadata, amount, currency, day, self._options)
        input_tokens, output_tokens = _split_tokens(counts, metadata)
        return CostRecord(
            provider=provider,
            timestamp=moment.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(name, ordinal, content),
            charge_type=charge_type,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=counts.get("cached_input_tokens", 0),
            request_count=counts.get("requests", 0),
            metadata=metadata,
        )

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
            raise reading("cost", cell, error) from None
        if amount < 0 and charge_type not in ("credit", "adjustment"):
            raise RowRejected(
                f"the cost {quote(cell)} is negative, which only a credit or an adjustment may be; "
                "say so in a charge_type column"
            )
        if amount > 0 and charge_type == "credit":
            raise RowRejected(f"a credit takes money off, so its cost {quote(cell)} must be negative")
        return amount, currency

    def _split_currency(self, cell: str, named: str) -> tuple[str, str]:
        """The amount and its currency: named in its own column, beside the amount, or in the heading."""
        number, beside = split_currency(cell)
        currency = find_currency(named) if named else beside or self._currency
        says = beside or (USD if "$" in cell or "usd" in cell.lower() else currency)
        if says != currency and not ("$" in cell and currency in OTHER_DOLLARS):
            raise RowRejected(
                f"the cost {quote(cell)} is in {says} and its currency is given as {currency}; correct one"
            )
        return number, currency

    def _read_count(self, cells: Sequence[str], column: str) -> int:
        cell = cells[self._columns[column]]
        try:
            return self._count(cell)
        except AmountUnreadable as error:
            raise reading(column, cell, error) from None


def _split_tokens(counts: Mapping[str, int], metadata: dict[str, JSON]) -> tuple[int, int]:
    total = counts.get("tokens", 0)
    input_tokens, output_tokens = counts.get("input_tokens", 0), counts.get("output_tokens", 0)
    if input_tokens or output_tokens:
        if total and total != input_tokens + output_tokens:
            metadata["total_tokens"] = total
    else:
        input_tokens = total
    if counts.get("cached_input_tokens", 0) > input_tokens:
        raise RowRejected("there are more cached input tokens than input tokens, which are to include them")
    return input_tokens, output_tokens


@lru_cache(10_000)
def read_provider(cell: str) -> tuple[str, str]:
    """The slug, and the name as written where no provider of that name is known; raises RowRejected."""
    slug = find_provider(cell)
    if slug or not cell:
        return slug or "other", ""
    return "other", checked_name("provider name", cell)


@lru_cache(10_000)
def read_model(cell: str) -> str:
    """A model's name as written, whatever it is; raises RowRejected for what cannot be a name."""
    return checked_name("model name", cell) if cell else NO_MODEL


def read_note(cell: str) -> str:
    """A note, line breaks allowed; raises RowRejected."""
    if len(cell) > MAX_NOTE:
        raise RowRejected(f"the note has {len(cell):,} characters; the limit is {MAX_NOTE:,}")
    if _CONTROL_IN_NOTE.search(cell):
        raise RowRejected(f"the note {quote(cell)} contains control characters")
    return cell
