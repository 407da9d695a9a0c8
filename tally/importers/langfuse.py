"""Langfuse's observations, as CSV or JSON: what its generations and embeddings used and cost.

Headings are matched in any case and spelling (`startTime`, `start_time`), as exports differ. Usage and cost
are objects in a cell or keys of their own. Costs are what Langfuse calculated, so they are estimates. Spans,
events and the like hold the same usage a second time and are passed over. What was said is not kept.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from tally.core.amounts import AmountUnreadable, parse_amount, parse_count
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
from tally.importers.protocol import Options, Parsed, RowRejected, choose, read_rows, reading
from tally.importers.readers.json_rows import flatten_json
from tally.importers.readers.table import Table
from tally.pricing.usage import Usage

name = "langfuse"
title = "Langfuse observations"

COUNTED = ("generation", "embedding")
MODELS = ("model", "providedmodelname", "modelname", "internalmodelname")
USAGE, COSTS = ("usagedetails", "usage"), ("costdetails",)
TOTAL_COST = ("calculatedtotalcost", "totalcost")
KEPT = {
    "name": "name",
    "environment": "environment",
    "userid": "user_id",
    "sessionid": "session_id",
    "traceid": "trace_id",
    "release": "release",
}
# What Langfuse's integrations call the tokens of a prompt that a provider's cache knew or took.
READ, WRITE = ("cache_read", "cached"), ("cache_creation", "cache_write")


def identify(header: Sequence[str]) -> bool:
    """Whether these are the headings of observations."""
    columns = normalise_columns(header)
    has_usage = any(column.partition(".")[0] in (*USAGE, *COSTS, *TOTAL_COST) for column in columns)
    has_model = any(model in columns for model in MODELS)
    return columns.keys() >= {"id", "traceid", "type", "starttime"} and has_usage and has_model


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record for each generation."""
    columns = normalise_columns(table.header)
    kind, read_id = find_reader(table, columns, "type"), find_reader(table, columns, "id")
    model_of, total_cost = find_reader(table, columns, *MODELS), find_reader(table, columns, *TOTAL_COST)
    time_of = utc_time(table, options, columns.get("starttime", ""))
    named = Named(table, columns, {column: column for column in ("id", *MODELS)})
    kept = Named(table, columns, KEPT)
    usage_of, costs_of = _objects(table, USAGE), _objects(table, COSTS)

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        if kind(cells).lower() not in COUNTED:
            return None
        named.read(cells)  # rejects what cannot be a name
        if not read_id(cells):
            raise RowRejected("its id is empty, so it could not be told from other generations")
        metadata = kept.read(cells)
        usage, reasoning_tokens = read_usage(usage_of(cells))
        cost_usd = read_cost(costs_of(cells), total_cost(cells))
        key = name_request(metadata, name, options, read_id(cells))
        reported = Reported(time_of(cells), model_of(cells), key, cost_usd, usage, reasoning_tokens)
        return make_record(reported, name, metadata, options)

    return read_rows(table, read_row, unite=choose)


def read_usage(details: Mapping[str, str]) -> tuple[Usage, int]:
    """The tokens of a generation, and how many of them were thought.

    Details are parts beside `input` and `output`, unless these already come to the total without them.
    """
    counts = {key.lower(): _count(key, cell) for key, cell in details.items() if cell and key != "unit"}
    inside = {"prompt_tokens": "input", "completion_tokens": "output", "total_tokens": "total"}
    counts = {inside.get(key, key): count for key, count in counts.items()}
    parts = {key: count for key, count in counts.items() if key not in ("input", "output", "total")}
    of_input = {key: count for key, count in parts.items() if "input" in key or "cache" in key}
    of_output = {key: count for key, count in parts.items() if "output" in key or "reasoning" in key}
    input_tokens, output_tokens = counts.get("input", 0), counts.get("output", 0)
    if counts.get("total", 0) != input_tokens + output_tokens:
        input_tokens += sum(of_input.values())
        output_tokens += sum(count for key, count in of_output.items() if key not in of_input)
    read, write = _sum_named(of_input, READ), _sum_named(of_input, WRITE)
    if read + write > input_tokens:
        raise RowRejected("there are more cached tokens than input tokens in its usage")
    return Usage(input_tokens, output_tokens, read, write), _sum_named(of_output, ("reasoning",))


def read_cost(details: Mapping[str, str], total: str) -> Decimal | None:
    """What Langfuse calculated: the total, or the sum of the parts; None where it says nothing."""
    costs = {key.lower(): _amount(key, cell) for key, cell in details.items() if cell}
    if "total" in costs:
        return costs["total"]
    if costs:
        return sum(costs.values(), Decimal(0))
    return _amount("total cost", total) if total else None


def _objects(table: Table, names: Sequence[str]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """A reader of the keys of an object: in one cell, or each in a column of its own."""
    columns = normalise_columns(table.header)
    cell_of = find_reader(table, columns, *names)
    own = {
        heading.partition(".")[2]: table.reader(heading)
        for column, heading in columns.items()
        if column.partition(".")[0] in names and "." in column
    }

    def read_object(cells: Sequence[str]) -> Mapping[str, str]:
        return flatten_json(cell_of(cells)) or {key: read_cell(cells) for key, read_cell in own.items()}

    return read_object


def _sum_named(counts: Mapping[str, int], words: Sequence[str]) -> int:
    return sum(count for key, count in counts.items() if any(word in key for word in words))


def _read(parse_cell: Callable[[str], Decimal | int], key: str, cell: str) -> Decimal | int:
    try:
        return parse_cell(cell)
    except AmountUnreadable as error:
        raise reading(
            f"{key} tokens" if parse_cell is parse_count else f"cost of {key}", cell, error
        ) from None


def _count(key: str, cell: str) -> int:
    return int(_read(parse_count, key, cell))


def _amount(key: str, cell: str) -> Decimal:
    return Decimal(_read(parse_amount, key, cell))
