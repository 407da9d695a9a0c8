"""Cursor's usage events: one request per row, covered by the plan or charged on demand.

Supports the columns of 2025-08 (one sum of tokens), before 2026 (`Cost to you`), of 2026-03 and, for teams
with a `User`, of 2026-06.

- Rows whose kind or cost is `Included` are covered by the plan and worth their cost; without a cost above
  zero, the tokens are priced if Cursor's name of the model is known.
- On-demand (usage-based) rows are billed. A row without a number is an estimate.
- Free, aborted and errored requests, and those with the user's own API key, cost nothing at Cursor: they are
  included at zero.
- Rows of any other kind are estimates at their cost.
- Before 2026, rows with `Cost to you` above zero are billed, all others are included.
- `Input (w/ Cache Write)` contains `Input (w/o Cache Write)` in some exports: each row is read so that its
  parts add up to `Total Tokens`.

A request is identified by its time and model, the only columns in all exports. Rows that share both are
separate requests, summed in one record.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from tally.catalog.models import canonical_model
from tally.core.records import JSON, NO_MODEL, CostBasis, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_time
from tally.importers.protocol import Options, Parsed, checked_name, read_rows
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import ModelRef, Usage

name = "cursor"
title = "Cursor usage events"

HEADER = frozenset({"date", "model", "input (w/ cache write)", "output tokens", "cost"})
HEADER_OF_SUMS = frozenset({"date", "model", "kind", "tokens", "cost ($)"})
DETAILS = ("user", "kind", "max mode", "cloud agent id", "automation id")
WRITE, UNCACHED, READ = "input (w/ cache write)", "input (w/o cache write)", "cache read"
COUNTS = (WRITE, UNCACHED, READ, "output tokens", "total tokens", "tokens")
MONEY = ("cost", "cost ($)", "cost to you")
# Phrases in a row's kind; the first match applies.
FREE = ("free", "errored", "aborted", "no charge", "not charged", "api key")
INCLUDED = ("included",)
BILLED = ("on-demand", "on demand", "usage-based", "usage based")

Charge = tuple[CostBasis, Decimal | None]


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of usage events."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER or cells >= HEADER_OF_SUMS


def parse(table: Table, options: Options) -> Parsed:
    """One record per request."""
    details = Dimensions(table, DETAILS, defaults={"max mode": ("no", "false")})
    numbers = Numbers(table, options, *COUNTS, *MONEY)
    time_of, model_of = utc_time(table, options, "date"), table.reader("model")
    charge_of, account = _charges(table, numbers), billing_account("cursor", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, model = time_of(cells), checked_name("model", model_of(cells))
        usage, total = read_usage(numbers, cells)
        found = details.read(cells)
        metadata: dict[str, JSON] = {key.replace(" ", "_"): text for key, text in found.items() if text}
        if total != usage.input_tokens + usage.output_tokens:
            metadata["total_tokens"] = total
        model_name = canonical_model(model)
        if model_name != model:
            metadata["model"] = model
        basis, cost_usd = charge_of(cells)
        if cost_usd is None and numbers.is_blank("tokens", cells):
            cost_usd = estimate(metadata, ModelRef("cursor", model, model_name), usage, when.timestamp)
        return CostRecord(
            provider="cursor",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, model, basis),
            cost_basis=basis,
            charge_type="adjustment" if basis == "billed" and cost_usd and cost_usd < 0 else "usage",
            **usage.token_counts,
            request_count=1,
            day=when.day,
            # An estimate is not part of the day's bill, which is for other requests.
            billing_account=None if basis == "estimated" else account,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def read_usage(numbers: Numbers, cells: Sequence[str]) -> tuple[Usage, int]:
    """The tokens of a row, and its own total."""
    count = {column: numbers.count(column, cells) for column in COUNTS}
    write, uncached, read, output = (count[column] for column in COUNTS[:4])
    total = count["total tokens"]
    if total == write + read + output and write >= uncached:
        write -= uncached
    input_tokens = write + uncached + read + count["tokens"]
    usage = Usage(input_tokens, output, cached_input_tokens=read, cache_write_tokens=write)
    return usage, total or input_tokens + output


def _charges(table: Table, numbers: Numbers) -> Callable[[Sequence[str]], Charge]:
    """A reader of a row's cost basis and its amount, None where it has none."""
    kind_of, has_payment = table.reader("kind"), table.column("cost to you") is not None
    column = "cost" if table.column("cost") is not None else "cost ($)"

    def read_charge(cells: Sequence[str]) -> Charge:
        cost_usd = _read_money(numbers, column, cells)
        kind = kind_of(cells).casefold()
        if has_payment:
            payment_usd = _read_money(numbers, "cost to you", cells)
            return ("billed", payment_usd) if payment_usd else ("included", cost_usd or None)
        if any(text in kind for text in FREE):
            return "included", Decimal(0)
        if any(text in said for text in INCLUDED for said in (kind, numbers.text(column, cells).casefold())):
            return "included", cost_usd or None
        if any(text in kind for text in BILLED) and cost_usd is not None:
            return "billed", cost_usd
        return "estimated", cost_usd

    return read_charge


def _read_money(numbers: Numbers, column: str, cells: Sequence[str]) -> Decimal | None:
    """An amount; None for `NaN`, `Included`, `-` and other texts without digits."""
    cell = numbers.text(column, cells)
    return numbers.amount(column, cells) if any(map(str.isdigit, cell)) else None
