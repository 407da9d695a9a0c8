"""DeepSeek's usage export: a ZIP with `amount-*.csv` (tokens) and `cost-*.csv` (money), or either of them.

Supports columns with `utc_date` (until 2026-07) and with `start_time_iso`, whose days begin at midnight in
the timezone of the export.

- Costs are billed in the currency of the account. Amounts taken from a granted balance were not paid: their
  cost is zero, and the amount is stored in the metadata.
- Amounts are tokens and requests, one type per row. Their prices have no currency, so they are not used:
  without the cost file the tokens are estimated at list price, with it the bill is effective.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import Bucket, Dimensions, Numbers, billing_account, bucket, utc_day
from tally.importers.protocol import Options, Parsed, RowRejected, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.table import Table, quote
from tally.pricing.estimate import estimate
from tally.pricing.usage import SUM_OF_REQUESTS, ModelRef, Usage

name = "deepseek"
title = "DeepSeek usage export"

HEADER_OF_AMOUNTS = frozenset({"model", "api_key_name", "type", "amount"})
HEADER_OF_COSTS = frozenset({"model", "wallet_type", "cost", "currency"})
AMOUNTS, COSTS = "deepseek_usage", "deepseek_cost"
GRANTED = ("granted", "gift", "bonus")


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of amounts or of costs."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER_OF_AMOUNTS or cells >= HEADER_OF_COSTS


def parse(table: Table, options: Options) -> Parsed:
    """One record per day, model and key (amounts), or per day, model and wallet (costs)."""
    has_money = table.column("wallet_type") is not None
    return read_rows(table, _costs(table, options) if has_money else _amounts(table, options))


def read_usage(kind: str, amount: int) -> Usage:
    """The usage for a type of amount; raises RowRejected for an unknown type."""
    if kind == "input_cache_hit_tokens":
        return Usage(input_tokens=amount, cached_input_tokens=amount, requests=0)
    if kind in ("input_cache_miss_tokens", "input_tokens"):
        return Usage(input_tokens=amount, requests=0)
    if kind == "output_tokens":
        return Usage(output_tokens=amount, requests=0)
    if kind == "request_count":
        return Usage(requests=amount)
    raise RowRejected(f"the type {quote(kind)} is unknown, so it is not clear what its amount counts")


def _days(table: Table, options: Options) -> Callable[[Sequence[str]], Bucket]:
    return (
        utc_day(table, options, "utc_date")
        if table.column("utc_date") is not None
        else bucket(table, options)
    )


def _costs(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions = Dimensions(table, ("user_id", "model", "wallet_type", "currency"))
    numbers, day_of = Numbers(table, options, "cost"), _days(table, options)
    account = billing_account("deepseek", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        model_name = canonical_model(found["model"])
        metadata = when.metadata | {"wallet_type": found["wallet_type"]}
        amount, currency = numbers.amount("cost", cells), find_currency(found["currency"])
        cost_usd = convert_to_usd(metadata, amount, currency, when.timestamp.date(), options)
        if found["wallet_type"].lower() in GRANTED:
            metadata["granted_usd"], cost_usd = canonical_decimal(cost_usd), Decimal(0)
        return CostRecord(
            provider="deepseek",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(COSTS, options.account, when.key, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            day=when.day,
            billing_account=account,
            dataset=COSTS,
            metadata=metadata,
        )

    return read_row


def _amounts(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions = Dimensions(table, ("user_id", "model", "api_key_name"))
    numbers, day_of, kind = Numbers(table, options, "amount"), _days(table, options), table.reader("type")
    account = billing_account("deepseek", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        usage = read_usage(kind(cells), numbers.count("amount", cells))
        model_name, metadata = canonical_model(found["model"]), dict(when.metadata)
        if found["api_key_name"]:
            metadata["api_key_name"] = found["api_key_name"]
        return CostRecord(
            provider="deepseek",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=estimate(
                metadata,
                ModelRef("deepseek", found["model"], model_name),
                usage,
                when.timestamp,
                SUM_OF_REQUESTS,
            ),
            source_key=identity(AMOUNTS, options.account, when.key, *found.values()),
            cost_basis="estimated",
            **usage.token_counts,
            request_count=usage.requests,
            day=when.day,
            billing_account=account,
            dataset=AMOUNTS,
            metadata=metadata,
        )

    return read_row
