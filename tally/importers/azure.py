"""Azure's cost details for AI services, under enterprise agreements and customer agreements.

Rows of other services are skipped like blank ones. Amounts are billed in the currency of the bill and
converted at the rate of their day.

The model is read from the meter's name; without one, the bill covers all other usage of its day.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from tally.core.records import ChargeType, CostRecord, identity
from tally.importers.ai_services import is_ai
from tally.importers.azure_meters import model_of
from tally.importers.cell_styles import decide_day_first
from tally.importers.exports import Numbers, billing_account
from tally.importers.gateways import Named, find_reader, normalise_columns
from tally.importers.protocol import NOT_AI, Options, Parsed, RowRejected, RowSkipped, checked_name, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.importers.readers.table import Table, quote

name = "azure"
title = "Azure cost details"

COST, CURRENCY = ("costinbillingcurrency",), ("billingcurrency", "billingcurrencycode")
ABOUT = ("metercategory", "metersubcategory", "servicename", "consumedservice", "productname", "metername")
DIMENSIONS = {
    "subscriptionid": "subscription_id",
    "meterid": "meter_id",
    "metername": "meter",
    "chargetype": "charge_type",
    "productname": "product",
}
DETAILS = {
    "subscriptionname": "subscription",
    "resourcegroup": "resource_group",
    "resourcegroupname": "resource_group",
    "invoiceid": "invoice_id",
}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of cost details."""
    columns = normalise_columns(header).keys()
    is_charge = columns >= {"date", "metercategory", "metername", *COST}
    return is_charge and any(currency in columns for currency in CURRENCY)


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per day, resource and meter of an AI service."""
    columns = normalise_columns(table.header)
    dimensions, details = Named(table, columns, DIMENSIONS), Named(table, columns, DETAILS)
    quantity, unit = find_reader(table, columns, "quantity"), find_reader(table, columns, "unitofmeasure")
    about = [find_reader(table, columns, column) for column in ABOUT]
    meter, charge = find_reader(table, columns, "metername"), find_reader(table, columns, "chargetype")
    currency, day_cell = find_reader(table, columns, *CURRENCY), find_reader(table, columns, "date")
    resource = find_reader(table, columns, "resourceid", "instanceid")
    cost_column = columns[COST[0]]
    numbers = Numbers(table, options, cost_column)
    index = table.column("date")
    day_first = decide_day_first(table, 0 if index is None else index, options)
    account = billing_account("azure", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        if not is_ai(*[read_cell(cells) for read_cell in about]):
            raise RowSkipped(NOT_AI)
        day, found = read_day(day_cell(cells), day_first), dimensions.read(cells)
        metadata = found | details.read(cells)
        if resource(cells):
            metadata["resource"] = checked_name("resource", resource(cells).rpartition("/")[2])
        if quantity(cells):
            metadata["quantity"] = f"{quantity(cells)} x {unit(cells)}"
        amount = numbers.amount(cost_column, cells)
        cost_usd = convert_to_usd(metadata, amount, find_currency(currency(cells)), day, options)
        return CostRecord(
            provider="azure",
            timestamp=parse_moment(day.isoformat(), options.timezone, day_first=False).timestamp,
            model_name=model_of(meter(cells)),
            cost_usd=cost_usd,
            source_key=identity(
                name,
                options.account,
                day,
                resource(cells).lower(),  # its case varies between exports
                *[str(found.get(ours, "")) for ours in DIMENSIONS.values()],
            ),
            charge_type=charge_type(charge(cells), cost_usd < 0),
            day=day,
            billing_account=account,
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


@lru_cache(10_000)
def read_day(cell: str, day_first: bool) -> date:
    """The UTC day of a row, such as 11/02/2026 or 2026-11-02; raises RowRejected."""
    try:
        moment = parse_moment(cell, "UTC", day_first)
    except DateUnreadable as error:
        raise RowRejected(f"the date {quote(cell)} {error}") from None
    return moment.timestamp.date()


def charge_type(cell: str, is_negative: bool) -> ChargeType:
    """The charge type for Azure's usage, purchase, refund or tax."""
    if cell.lower() == "tax" and not is_negative:
        return "tax"
    if is_negative:
        return "credit" if cell.lower() == "refund" else "adjustment"
    return "usage"
