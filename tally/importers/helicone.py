"""Helicone's request export: one request per row, with the cost that Helicone calculated.

Costs are estimates; a provider's bill is effective where there is one. Requests without an answer used
nothing and are skipped. Prompts and answers are not stored.
"""

from collections.abc import Sequence

from tally.core.records import JSON, CostRecord
from tally.importers.exports import Dimensions, Numbers, utc_time
from tally.importers.gateways import Reported, make_record, name_request
from tally.importers.protocol import Options, Parsed, RowRejected, choose, read_rows
from tally.importers.readers.table import Table
from tally.pricing.usage import Usage

name = "helicone"
title = "Helicone request export"

HEADER = frozenset(
    {"response_id", "request_created_at", "model", "prompt_tokens", "completion_tokens", "cost"}
)
NAMED = ("response_id", "model")
DETAILS = ("request_user_id", "response_status")
COUNTS = ("prompt_tokens", "completion_tokens")


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a request export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per answered request."""
    named, details = (
        Dimensions(table, NAMED),
        Dimensions(table, DETAILS, defaults={"response_status": ("200",)}),
    )
    numbers, time_of = (
        Numbers(table, options, "cost", *COUNTS),
        utc_time(table, options, "request_created_at"),
    )
    status = table.reader("response_status")

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        found, metadata = named.read(cells), dict[str, JSON](details.shown(details.read(cells)))
        usage = Usage(*(numbers.count(column, cells) for column in COUNTS))
        cost_usd = numbers.amount_if_any("cost", cells)
        is_answered = status(cells).startswith("2")
        is_failed = bool(status(cells)) and not is_answered
        is_used = bool(usage.input_tokens or usage.output_tokens or cost_usd)
        if not is_used and not is_answered:
            return None
        if not found["response_id"]:
            raise RowRejected("its response_id is empty, so it cannot be identified")
        request = name_request(name, options, found["response_id"])
        reported = Reported(time_of(cells), found["model"], request, cost_usd, usage, is_failed=is_failed)
        return make_record(reported, name, metadata, options)

    return read_rows(table, read_row, combine=choose)
