"""AWS's Cost and Usage Report, version 2.0 and the older one: lines of Bedrock, billed.

Models of other makers are lines of the marketplace, whose product names Bedrock. The unblended cost of a line
is what it costs; discounts, credits and refunds are lines of their own. Lines of other services are skipped.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tally.core.records import ChargeType, CostRecord, identity
from tally.importers.bedrock_lines import model_of
from tally.importers.exports import Numbers, billing_account, read_period
from tally.importers.focus import name_charge
from tally.importers.gateways import Named, find_reader, normalise_columns
from tally.importers.metered_tokens import count_tokens, quantity_reader
from tally.importers.protocol import NOT_AI, Options, Parsed, RowSkipped, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.json_rows import flatten_json
from tally.importers.readers.table import Table

name = "aws_cost_usage"
title = "AWS Cost and Usage Report"

HEADER = frozenset(
    {"lineitemproductcode", "lineitemusagetype", "lineitemusagestartdate", "lineitemunblendedcost"}
)
DIMENSIONS = {
    "billpayeraccountid": "payer_account_id",
    "lineitemusageaccountid": "account_id",
    "lineitemlineitemtype": "line_type",
    "lineitemproductcode": "product_code",
    "lineitemusagetype": "usage_type",
    "lineitemoperation": "operation",
    "lineitemresourceid": "resource",
    "lineitemlineitemdescription": "description",
}
PRODUCT = ("productproductname", "product.productname")
CHARGES: dict[str, ChargeType] = {"tax": "tax", "credit": "credit", "refund": "credit", "fee": "subscription"}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a report with line items."""
    return normalise_columns(header).keys() >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per period and line of Bedrock."""
    columns = normalise_columns(table.header)
    dimensions, product = Named(table, columns, DIMENSIONS), find_reader(table, columns, *PRODUCT)
    product_map = find_reader(table, columns, "product")
    start, end = (find_reader(table, columns, f"lineitemusage{edge}date") for edge in ("start", "end"))
    currency, cost = find_reader(table, columns, "lineitemcurrencycode"), columns["lineitemunblendedcost"]
    numbers = Numbers(table, options, cost)
    metered = [columns.get(column, "") for column in ("lineitemusageamount", "pricingunit")]
    quantity_of = quantity_reader(table, options, *metered)

    def read_row(cells: Sequence[str]) -> CostRecord:
        found = {key: str(text) for key, text in dimensions.read(cells).items()}
        sold = product(cells) or flatten_json(product_map(cells)).get("product_name", "")
        if not any("bedrock" in text.casefold() for text in (sold, found.get("product_code", ""))):
            raise RowSkipped(NOT_AI)
        when = read_period(start(cells), end(cells), options.timezone)
        metadata = when.metadata | found | ({"product": sold} if sold else {})
        cost_usd = convert_to_usd(
            metadata,
            numbers.amount(cost, cells),
            find_currency(currency(cells) or "USD"),
            when.timestamp.date(),
            options,
        )
        usage_type = found.get("usage_type", "")
        model = model_of(sold, usage_type, found.get("resource", ""))
        account_id = found.get("payer_account_id", "")
        return CostRecord(
            provider="aws-bedrock",
            timestamp=when.timestamp,
            model_name=name_charge(model, found.get("line_type", "")),
            cost_usd=cost_usd,
            source_key=identity(
                name, options.account, when.key, *[found.get(key, "") for key in DIMENSIONS.values()]
            ),
            charge_type=find_charge(found, cost_usd),
            **count_tokens(quantity_of(cells), [usage_type.replace("-", " ")]).token_counts,
            day=when.day,
            billing_account=billing_account("aws-bedrock", options, account_id),
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def find_charge(found: Mapping[str, str], cost_usd: Decimal) -> ChargeType:
    """The charge type of a kind of line; discounts are adjustments."""
    charge = CHARGES.get(found.get("line_type", "").casefold(), "usage")
    return "adjustment" if cost_usd < 0 and charge != "credit" else charge
