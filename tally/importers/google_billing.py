"""Google Cloud's billing export from BigQuery, as JSON or CSV: charges for AI services, less credits.

Nested columns may be written with a dot or an underscore (`service.description`, `service_description`). A
row is one usage interval of one SKU; its cost plus its credits is paid. Rows of other services are skipped
like blank ones, and so is their tax.

A SKU's description is parsed to the Gemini or Claude model name of other sources. Otherwise the record has no
model, and the bill covers all other usage of its day.
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, ChargeType, CostRecord, identity
from tally.importers.ai_services import is_ai
from tally.importers.exports import Numbers, billing_account, utc_time
from tally.importers.gateways import Named
from tally.importers.metered_models import name_metered
from tally.importers.protocol import NOT_AI, Options, Parsed, RowRejected, RowSkipped, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.table import Table, quote

name = "google_billing"
title = "Google Cloud billing export"

HEADER = frozenset({"service_description", "sku_description", "usage_start_time", "cost", "currency"})
DIMENSIONS = (
    "billing_account_id",
    "project_id",
    "service_description",
    "sku_id",
    "sku_description",
    "location_region",
    "cost_type",
)
DETAILS = ("project_name", "invoice_month")
CREDITS = ("credits", "credits_amount", "credits_total", "total_credits")
CHARGES: dict[str, ChargeType] = {"tax": "tax", "rounding_error": "adjustment", "adjustment": "adjustment"}

_GEMINI = re.compile(
    r"gemini[ -]+(?P<version>[0-9](?:\.[0-9])?)[ -]+(?P<kind>pro|flash|ultra)(?P<lite>[ -]+lite)?",
    re.IGNORECASE,
)
_CLAUDE = re.compile(
    r"claude[ -]+(?:(?:opus|sonnet|haiku|fable|mythos)[ -]+[0-9](?:[.-][0-9])?"
    r"|[0-9](?:[.-][0-9])?[ -]+(?:opus|sonnet|haiku))",
    re.IGNORECASE,
)
# What is counted, after the name of another maker's model.
_COUNTED = re.compile(r"[ -]+(?:text|input|output|cached?|tokens?|batch|predictions?)\b.*", re.IGNORECASE)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of the billing export."""
    return {_flat(cell) for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per interval, project and SKU of an AI service."""
    columns = {_flat(heading): heading.casefold() for heading in reversed(table.header)}
    dimensions, details = (
        Named(table, columns, {column: column for column in chosen}) for chosen in (DIMENSIONS, DETAILS)
    )
    quantity, unit = (table.reader(columns.get(f"usage_{part}", "")) for part in ("amount", "unit"))
    service, sku = (table.reader(columns[f"{part}_description"]) for part in ("service", "sku"))
    numbers = Numbers(table, options, "cost")
    credits = [table.reader(columns[column]) for column in CREDITS if column in columns]
    time_of, currency = utc_time(table, options, columns["usage_start_time"]), table.reader("currency")
    ends, cost_type = table.reader("usage_end_time"), table.reader(columns.get("cost_type", ""))

    def read_row(cells: Sequence[str]) -> CostRecord:
        if not is_ai(service(cells)):
            raise RowSkipped(NOT_AI)
        when, found = time_of(cells), dimensions.read(cells)
        credit = sum((read_credits(read_cell(cells)) for read_cell in credits[:1]), Decimal(0))
        amount = numbers.amount("cost", cells) + credit
        metadata = found | details.read(cells)
        if quantity(cells):
            metadata["quantity"] = f"{quantity(cells)} {unit(cells)}".strip()
        day = when.timestamp.date()
        cost_usd = convert_to_usd(metadata, amount, find_currency(currency(cells)), day, options)
        if credit:
            metadata["credits"] = f"{canonical_decimal(credit)} {currency(cells)}"
        charge = CHARGES.get(cost_type(cells).lower(), "usage")
        return CostRecord(
            provider="google",
            timestamp=when.timestamp,
            model_name=model_of(sku(cells)),
            cost_usd=cost_usd,
            source_key=identity(
                name,
                options.account,
                when.key,
                ends(cells),
                *[str(found.get(ours, "")) for ours in DIMENSIONS],
            ),
            charge_type="adjustment" if cost_usd < 0 else charge,
            day=when.day,
            billing_account=billing_account("google", options, str(found.get("billing_account_id", ""))),
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


@lru_cache(10_000)
def read_credits(cell: str) -> Decimal:
    """The sum of a row's credits, which are negative: a list of objects, or one amount."""
    if not cell:
        return Decimal(0)
    try:
        found = json.loads(cell, parse_float=Decimal, parse_int=Decimal)
        rows = found if isinstance(found, list) else [{"amount": found}]
        amounts = [Decimal(row["amount"]) for row in rows]
        total = sum(amounts, Decimal(0))
        if total.is_finite():
            return total
    except (ValueError, TypeError, KeyError, InvalidOperation, RecursionError):
        pass
    raise RowRejected(f"the credits {quote(cell)} are not a list of amounts")


@lru_cache(10_000)
def model_of(sku: str) -> str:
    """The model of a SKU, or NO_MODEL."""
    gemini, claude = _GEMINI.search(sku), _CLAUDE.search(sku)
    if gemini:
        lite = "-lite" if gemini["lite"] else ""
        return f"gemini-{gemini['version']}-{gemini['kind'].lower()}{lite}"
    if claude:
        return canonical_model(re.sub(r"[ -]+", " ", claude[0]).lower())
    named = _COUNTED.sub("", sku)
    has_model = named != sku and "gemini" not in named.casefold() and re.search("[0-9]", named)
    return (has_model and name_metered(named)) or NO_MODEL


def _flat(heading: str) -> str:
    return heading.casefold().replace(".", "_")
