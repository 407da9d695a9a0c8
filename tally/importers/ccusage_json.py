"""ccusage's daily report as JSON (`ccusage daily --json`): sums of coding agents' logs by day and model.

These are the same requests that Tally reads from the logs, so only the more complete source is effective on
each day. Tokens are priced at the list price of their day; ccusage's own cost is stored in the metadata.

The report does not show whether a plan covers the usage. Records are estimates at the models' vendor, unless
the account given with the file is named like a plan (`Claude Max`), which then includes its models.
"""

from collections.abc import Sequence

from tally.catalog.providers import find_provider
from tally.core.records import CostRecord, canonical_decimal, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day
from tally.importers.gateways import find_maker
from tally.importers.protocol import Options, Parsed, read_rows
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import SUM_OF_REQUESTS, ModelRef, Usage

name = "ccusage"
title = "ccusage daily report"

TOKENS = ("inputtokens", "outputtokens", "cachecreationtokens", "cachereadtokens")
COSTS = ("cost", "totalcost")
DAYS = ("date", "period")
OTHER_REPORTS = ("weekly", "monthly", "session", "sessions", "blocks")
OTHER_COLUMNS = ("week", "month", "sessionid")
# Plan -> vendor of the models it covers.
PLANS = {"claude-desktop": "anthropic", "chatgpt": "openai", "gemini-app": "google"}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a ccusage report, daily or not."""
    columns = {cell.casefold() for cell in header}
    is_single_tool = any(column.startswith("models.") for column in columns)
    return columns >= set(TOKENS) and (bool(columns & {"modelname", "modelbreakdowns"}) or is_single_tool)


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per day and model."""
    day = _find_day(table)
    numbers, day_of = Numbers(table, options, *TOKENS, *COSTS), utc_day(table, options, day)
    named = Dimensions(table, ("modelname", "agent", "project"), defaults={"agent": ("all",)})
    plan = find_provider(options.account) or ""

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), named.read(cells)
        fresh, output, write, read = (numbers.count(column, cells) for column in TOKENS)
        usage = Usage(fresh + write + read, output, read, write)
        maker, model_name = find_maker(found["modelname"])
        is_covered = bool(plan) and PLANS.get(plan) == maker
        provider = plan if is_covered else maker or "other"
        metadata = named.shown({**found, "modelname": ""})
        account = provider if is_covered else billing_account(provider, options)
        model = ModelRef(provider, found["modelname"] or model_name, model_name)
        cost_usd = estimate(metadata, model, usage, when.timestamp, SUM_OF_REQUESTS)
        cost_column = next((column for column in COSTS if not numbers.is_blank(column, cells)), None)
        if cost_column:
            metadata["ccusage_usd"] = canonical_decimal(numbers.amount(cost_column, cells))
        return CostRecord(
            provider=provider,
            timestamp=when.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            cost_basis="included" if is_covered else "estimated",
            **usage.token_counts,
            day=when.day,
            billing_account=None if provider == "other" else account,
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def _find_day(table: Table) -> str:
    """The column of days; raises ImportRefused for a report that is not by day and model."""
    day = next((column for column in DAYS if table.column(column) is not None), None)
    is_other = any(table.column(column) is not None for column in OTHER_COLUMNS)
    is_by_model = any(table.column(column) is not None for column in ("modelname", "modelbreakdowns"))
    if day is None or is_other or not is_by_model or table.list_name in OTHER_REPORTS:
        raise ImportRefused(
            f"{table.filename} is a ccusage report that is not by day and model. "
            "Run `ccusage daily --json > usage.json` and drop that file here."
        )
    return day
