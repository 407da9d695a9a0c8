"""Langfuse's observations as CSV or JSON: usage and cost of generations and embeddings.

Headings are matched in any case and spelling (`startTime`, `start_time`), since exports differ. Usage and
cost are objects in one cell or columns of their own. Costs are calculated by Langfuse, so they are estimates.
Spans and events repeat the usage of their generations and are skipped. Prompts and answers are not stored.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from tally.core.amounts import AmountUnreadable, parse_amount
from tally.core.records import CostRecord
from tally.importers.exports import utc_time
from tally.importers.gateways import (
    Named,
    Reported,
    find_reader,
    make_record,
    name_request,
    normalise_columns,
)
from tally.importers.protocol import Options, Parsed, RowRejected, RowSkipped, choose, read_rows, reject_cell
from tally.importers.readers.json_rows import flatten_json
from tally.importers.readers.table import Table
from tally.pricing.usage import Usage
from tally.telemetry.vocabularies import langfuse_usage
from tally.telemetry.vocabularies.langfuse_usage import UsageUnreadable

name = "langfuse"
title = "Langfuse observations"

TYPES_WITH_USAGE = ("generation", "embedding")
MODELS = ("model", "providedmodelname", "modelname", "internalmodelname")
USAGE, COSTS = ("usagedetails", "usage"), ("costdetails",)
TOTAL_COST = ("calculatedtotalcost", "totalcost")
DETAILS = {
    "name": "name",
    "environment": "environment",
    "userid": "user_id",
    "sessionid": "session_id",
    "traceid": "trace_id",
    "release": "release",
}
# Columns of exports without an object of usage.
USAGE_COLUMNS = {
    "input": ("inputtokens", "inputusage", "prompttokens", "usageinput"),
    "output": ("outputtokens", "outputusage", "completiontokens", "usageoutput"),
    "total": ("totaltokens", "totalusage", "usagetotal"),
}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of observations."""
    columns = normalise_columns(header)
    has_usage = any(column.partition(".")[0] in (*USAGE, *COSTS, *TOTAL_COST) for column in columns)
    has_model = any(model in columns for model in MODELS)
    return columns.keys() >= {"id", "traceid", "type", "starttime"} and has_usage and has_model


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per generation."""
    columns = normalise_columns(table.header)
    kind, read_id = find_reader(table, columns, "type"), find_reader(table, columns, "id")
    model_of, total_cost = find_reader(table, columns, *MODELS), find_reader(table, columns, *TOTAL_COST)
    time_of = utc_time(table, options, columns.get("starttime", ""))
    level_of = find_reader(table, columns, "level")
    named = Named(table, columns, {column: column for column in ("id", *MODELS)})
    details = Named(table, columns, DETAILS)
    usage_of, costs_of = _objects(table, USAGE), _objects(table, COSTS)

    def read_row(cells: Sequence[str]) -> CostRecord:
        if kind(cells).lower() not in TYPES_WITH_USAGE:
            raise RowSkipped("of spans and events, which repeat the usage of their generations")
        named.read(cells)  # rejects invalid names
        if not read_id(cells):
            raise RowRejected("its id is empty, so it cannot be identified")
        metadata = details.read(cells)
        usage, reasoning_tokens = read_usage(usage_of(cells))
        cost_usd = read_cost(costs_of(cells), total_cost(cells))
        request = name_request(name, options, read_id(cells))
        is_failed = level_of(cells).upper() == "ERROR"
        reported = Reported(
            time_of(cells), model_of(cells), request, cost_usd, usage, reasoning_tokens, is_failed=is_failed
        )
        return make_record(reported, name, metadata, options)

    return read_rows(table, read_row, combine=choose)


def read_usage(details: Mapping[str, str]) -> tuple[Usage, int]:
    """The tokens of a generation, and how many of them were reasoning tokens."""
    try:
        return langfuse_usage.read_usage(details)
    except UsageUnreadable as reason:
        raise RowRejected(str(reason)) from None


def read_cost(details: Mapping[str, str], total: str) -> Decimal | None:
    """Langfuse's calculated cost: its total or the sum of its parts, None where it has neither."""
    costs = {key.lower(): _amount(key, cell) for key, cell in details.items() if cell}
    if "total" in costs:
        return costs["total"]
    if costs:
        return sum(costs.values(), Decimal(0))
    return _amount("total cost", total) if total else None


def _objects(table: Table, names: Sequence[str]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """A reader of an object's keys, from one cell or from a column for each key."""
    columns = normalise_columns(table.header)
    cell_of = find_reader(table, columns, *names)
    own = {
        heading.partition(".")[2]: table.reader(heading)
        for column, heading in columns.items()
        if column.partition(".")[0] in names and "." in column
    }
    if names is USAGE and not own:
        own = {key: find_reader(table, columns, *spellings) for key, spellings in USAGE_COLUMNS.items()}

    def read_object(cells: Sequence[str]) -> Mapping[str, str]:
        return flatten_json(cell_of(cells)) or {key: read_cell(cells) for key, read_cell in own.items()}

    return read_object


def _amount(key: str, cell: str) -> Decimal:
    try:
        return parse_amount(cell)
    except AmountUnreadable as error:
        raise reject_cell(f"cost of {key}", cell, error) from None
