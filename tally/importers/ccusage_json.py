"""ccusage's daily report as JSON (`ccusage daily --json`): sums of coding agents' logs by day and model.

These are the same requests that Tally reads from the logs, so only the more complete source is effective on
each day. Costs are ccusage's, which calculates them for each request; tokens without one get the list price
of their day. They are never bills.

The report does not show whether a plan covers the usage. Records are estimates at the models' vendor, unless
the account given with the file is named like a plan (`Claude Max`), which then includes its models.
"""

from collections.abc import Sequence
from decimal import Decimal

from tally.catalog.models import canonical_model
from tally.catalog.payees import find_payee
from tally.catalog.providers import find_provider
from tally.core.encoding import canonical_decimal
from tally.core.records import MAX_COST_USD, NO_MODEL, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day
from tally.importers.protocol import Options, Parsed, read_rows
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import SUM_OF_REQUESTS, ModelRef, Usage

name = "ccusage"
title = "ccusage daily report"

TOKENS = ("inputtokens", "outputtokens", "cachecreationtokens", "cachereadtokens")
CACHED, REASONING, TOTAL = "cachedinputtokens", "reasoningoutputtokens", "totaltokens"
COUNTS = (*TOKENS, CACHED, REASONING, TOTAL)
COSTS = ("cost", "costusd", "totalcost")
DAYS = ("date", "period")
OTHER_REPORTS = ("weekly", "monthly", "session", "sessions", "blocks")
OTHER_COLUMNS = ("week", "month", "sessionid")
# Plan -> vendor of the models it covers.
PLANS = {"claude-desktop": "anthropic", "chatgpt": "openai", "gemini-app": "google"}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a ccusage report, daily or not."""
    columns = {cell.casefold() for cell in header}
    has_tokens = columns >= set(TOKENS[:2]) and bool(columns & {CACHED, *TOKENS[2:]})
    return "modelsused" in columns or (has_tokens and bool(columns & {"modelname", "modelbreakdowns"}))


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per day and model."""
    day = _find_day(table)
    numbers, day_of = Numbers(table, options, *COUNTS, *COSTS), utc_day(table, options, day)
    named = Dimensions(table, ("modelname", "agent", "project"), defaults={"agent": ("all",)})
    plan = find_provider(options.account) or ""

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), named.read(cells)
        usage = read_usage(numbers, cells)
        payee, model_name = find_payee(found["modelname"]), canonical_model(found["modelname"]) or NO_MODEL
        is_covered = bool(plan) and PLANS.get(plan) == payee
        provider = plan if is_covered else payee or "other"
        metadata = named.shown({**found, "modelname": ""})
        account = provider if is_covered else billing_account(provider, options)
        cost_usd = read_cost(numbers, cells)
        if cost_usd is None or (found["modelname"] and not cost_usd):
            model = ModelRef(provider, found["modelname"] or model_name, model_name)
            cost_usd = estimate(metadata, model, usage, when.timestamp, SUM_OF_REQUESTS)
        elif found["modelname"] not in ("", model_name):
            metadata["model"] = found["modelname"]
        return CostRecord(
            provider=provider,
            timestamp=when.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            cost_basis="included" if is_covered else "estimated",
            **usage.token_counts,
            reasoning_tokens=min(numbers.count(REASONING, cells), usage.output_tokens),
            day=when.day,
            billing_account=None if provider == "other" else account,
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def read_usage(numbers: Numbers, cells: Sequence[str]) -> Usage:
    """The tokens of a row; its input excludes cached tokens, unless input and output are the total.

    Reports of Codex alone have both forms, by version, and name reads of the cache `cachedInputTokens`.
    """
    count = {column: numbers.count(column, cells) for column in COUNTS}
    fresh, output, write = (count[column] for column in TOKENS[:3])
    read = count["cachereadtokens"] or count[CACHED]
    is_inclusive = fresh + output == count[TOTAL] and fresh >= read + write
    return Usage(fresh if is_inclusive else fresh + write + read, output, read, write)


def read_cost(numbers: Numbers, cells: Sequence[str]) -> Decimal | None:
    """The first cost of a row, to ten decimals: they are sums of floats."""
    column = next((column for column in COSTS if not numbers.is_blank(column, cells)), None)
    if column is None:
        return None
    cost_usd = numbers.amount(column, cells)
    is_possible = abs(cost_usd) < MAX_COST_USD  # the record refuses others
    return Decimal(canonical_decimal(round(cost_usd, 10))) if is_possible else cost_usd


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
