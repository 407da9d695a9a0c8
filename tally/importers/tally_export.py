"""Tally's own export, with or without the flags and source keys that newer ones have.

Figures in it are effective, so its records belong to no billing account: nothing replaces them.
"""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar, get_args
from uuid import UUID

from tally.core.records import ChargeType, CostBasis, CostRecord, identity
from tally.importers.exports import Bucket, Numbers, read_instant
from tally.importers.generic import read_model, read_note, read_provider
from tally.importers.protocol import Exported, Options, Parsed, RowRejected, read_rows
from tally.importers.readers.table import Table, quote
from tally.storage.export import unescape_formula

name = "tally"
title = "Tally export"

HEADER = frozenset({"timestamp", "provider", "model_name", "cost_usd", "cost_basis", "charge_type", "id"})
COUNTS = (
    "tokens_used",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "request_count",
)
T = TypeVar("T", CostBasis, ChargeType)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of an export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One record per id, with the cost basis that it had."""
    numbers = Numbers(table, options, "cost_usd", *COUNTS)
    read_id, read_key = table.reader("id"), table.reader("source_key")
    timestamp, day = table.reader("timestamp"), table.reader("day")
    basis, charge_type = table.reader("cost_basis"), table.reader("charge_type")
    texts = [table.reader(column) for column in ("provider", "model_name", "note", "project")]
    exported: dict[UUID, Exported] = {}
    projects: dict[UUID, str] = {}

    def read_row(cells: Sequence[str]) -> CostRecord:
        if not read_id(cells):
            raise RowRejected("its id is empty, so it cannot be identified")
        when = _read_time(timestamp(cells), day(cells), options.timezone)
        provider, model, note, project = (unescape_formula(read_cell(cells)) for read_cell in texts)
        slug, provider_name = read_provider(provider)
        cost_basis = _read_choice("cost basis", basis(cells), get_args(CostBasis))
        is_unpriced = cost_basis != "billed" and numbers.is_blank("cost_usd", cells)
        count = {column: numbers.count(column, cells) for column in COUNTS}
        described = {"provider_name": provider_name, "note": read_note(note)}
        identity_here = identity(name, read_id(cells))
        if record_id := _read_uuid(read_id(cells)):
            exported[identity_here] = Exported(record_id, _read_uuid(read_key(cells)))
        if project:
            projects[identity_here] = project
        return CostRecord(
            provider=slug,
            timestamp=when.timestamp,
            model_name=read_model(model),
            cost_usd=None if is_unpriced else numbers.amount("cost_usd", cells),
            source_key=identity_here,
            cost_basis=cost_basis,
            charge_type=_read_choice("charge type", charge_type(cells), get_args(ChargeType)),
            input_tokens=_count_input(numbers, cells),
            output_tokens=count["output_tokens"],
            cached_input_tokens=count["cached_input_tokens"],
            cache_write_tokens=count["cache_write_tokens"],
            reasoning_tokens=count["reasoning_tokens"],
            request_count=count["request_count"],
            day=when.day,
            metadata={key: text for key, text in described.items() if text},
        )

    parsed = read_rows(table, read_row, combine=lambda _earlier, later: later)
    parsed.exported, parsed.projects = exported, projects
    return parsed


def _read_uuid(cell: str) -> UUID | None:
    try:
        return UUID(cell)
    except ValueError:
        return None


def _count_input(numbers: Numbers, cells: Sequence[str]) -> int:
    """All tokens but those of the output, so that they add up to what totals show."""
    input_tokens = numbers.count("tokens_used", cells) - numbers.count("output_tokens", cells)
    if input_tokens < 0:
        used, output = (quote(numbers.text(column, cells)) for column in ("tokens_used", "output_tokens"))
        raise RowRejected(f"the tokens_used {used} is less than the output_tokens {output}")
    return input_tokens


def _read_time(timestamp: str, day: str, timezone: str) -> Bucket:
    if not day:
        return Bucket(read_instant(timestamp), timestamp)
    try:
        return Bucket.of_day(date.fromisoformat(day), timezone)
    except ValueError:
        raise RowRejected(f"the day {quote(day)} is not a date") from None


def _read_choice(column: str, cell: str, choices: tuple[T, ...]) -> T:
    choice = next((choice for choice in choices if choice == cell), None)
    if choice is None:
        raise RowRejected(f"the {column} {quote(cell)} is unknown; use {', '.join(choices)}")
    return choice
