"""What ccusage reports as JSON (`ccusage daily --json`): sums of coding agents' logs by day and model.

They are the same requests that Tally reads out of the logs themselves, so on each day the better informed of
the two counts. Everything is priced by its tokens on its day; what ccusage thinks it cost is kept beside.

Whether a plan covers them is not in the report. They are estimates on the account of the models' maker,
unless the account given with the file is named as a plan (`Claude Max`): then that plan includes its models.
"""

from collections.abc import Sequence

from tally.catalog.providers import find_provider
from tally.core.records import JSON, CostRecord, canonical_decimal, identity
from tally.importers.exports import Dimensions, Numbers, ledger, utc_day
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
# A plan -> whose models it covers.
PLANS = {"claude-desktop": "anthropic", "chatgpt": "openai", "gemini-app": "google"}


def identify(header: Sequence[str]) -> bool:
    """Whether this is a report of ccusage, of days or not."""
    columns = {cell.casefold() for cell in header}
    is_of_one_tool = any(column.startswith("models.") for column in columns)
    return columns >= set(TOKENS) and (bool(columns & {"modelname", "modelbreakdowns"}) or is_of_one_tool)


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record for each day and model."""
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
        metadata: dict[str, JSON] = {
            **when.metadata,
            "dataset": name,
            **named.shown({**found, "modelname": ""}),
        }
        if provider != "other":
            metadata["ledger"] = provider if is_covered else ledger(provider, options)
        model = ModelRef(provider, found["modelname"] or model_name, model_name)
        cost_usd = estimate(metadata, model, usage, when.timestamp, SUM_OF_REQUESTS)
        said = next((column for column in COSTS if not numbers.is_blank(column, cells)), None)
        if said:
            metadata["ccusage_usd"] = canonical_decimal(numbers.amount(said, cells))
        return CostRecord(
            provider=provider,
            timestamp=when.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            cost_basis="included" if is_covered else "estimated",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def _find_day(table: Table) -> str:
    """The column of days, or ImportRefused for a report that has none, or of one tool alone."""
    day = next((column for column in DAYS if table.column(column) is not None), None)
    is_other = any(table.column(column) is not None for column in OTHER_COLUMNS)
    is_by_model = any(table.column(column) is not None for column in ("modelname", "modelbreakdowns"))
    if day is None or is_other or not is_by_model or table.list_name in OTHER_REPORTS:
        raise ImportRefused(
            f"{table.filename} is a report of ccusage that is not by day and model. "
            "Run `ccusage daily --json > usage.json` and drop that file here."
        )
    return day
