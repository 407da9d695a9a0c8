"""Helicone's export of requests: one request a row, with what Helicone calculated that it cost.

Its costs are estimates; the bill of the provider counts where there is one. Requests that were never
answered used nothing and are passed over. What was asked and answered is not kept.
"""

from collections.abc import Sequence
from decimal import Decimal

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
KEPT = ("request_user_id", "response_status")
COUNTS = ("prompt_tokens", "completion_tokens")


def identify(header: Sequence[str]) -> bool:
    """Whether this is the header of an export of requests."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record for each request that was answered."""
    named, kept = Dimensions(table, NAMED), Dimensions(table, KEPT, defaults={"response_status": ("200",)})
    numbers, time_of = (
        Numbers(table, options, "cost", *COUNTS),
        utc_time(table, options, "request_created_at"),
    )
    status = table.reader("response_status")

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        found, metadata = named.read(cells), dict[str, JSON](kept.shown(kept.read(cells)))
        usage = Usage(*(numbers.count(column, cells) for column in COUNTS))
        cost_usd: Decimal | None = None
        if not numbers.is_blank("cost", cells):
            cost_usd = numbers.amount("cost", cells)
        is_used = bool(usage.input_tokens or usage.output_tokens or cost_usd)
        if not is_used and not status(cells).startswith("2"):
            return None
        if not found["response_id"]:
            raise RowRejected("its response_id is empty, so it could not be told from other requests")
        key = name_request(metadata, name, options, found["response_id"])
        when = time_of(cells)
        return make_record(Reported(when, found["model"], key, cost_usd, usage), name, metadata, options)

    return read_rows(table, read_row, unite=choose)
