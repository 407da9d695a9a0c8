"""Cursor's usage events: one request a row, covered by the plan or charged on demand.

Header sets as the dashboard exported them in 2025-08 (tokens in one sum), before 2026 (`Cost to you`), in
2026-03 and, for teams with a `User`, in 2026-06.

- `Included` rows are covered by the plan. Their cost is taken for list value, which is their worth; where the
  cell has no number above zero, the tokens are priced if Cursor's name of the model is known.
- On-demand (usage-based) rows are billed. One without a number is an estimate.
- Free, aborted and errored requests, and those on a key of one's own, cost nothing at Cursor: they are kept
  as covered, worth nothing.
- Any other kind is an estimate at its cost until it is known who pays.
- Before 2026 `Cost to you` says it all: what is above zero was billed, the rest was covered.
- `Input (w/ Cache Write)` stands beside `Input (w/o Cache Write)` in most exports and contains it in others:
  each row is read the way in which its parts add up to `Total Tokens`.

A request is named by its instant and its model, the only columns that all exports have. Rows that share both
are as many requests, and stand in one record with their sum.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from tally.catalog.models import canonical_claude
from tally.core.records import JSON, NO_MODEL, CostBasis, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, ledger, utc_time
from tally.importers.protocol import Options, Parsed, checked_name, read_rows
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import ModelRef, Usage

name = "cursor"
title = "Cursor usage events"

HEADER = frozenset({"date", "model", "input (w/ cache write)", "output tokens", "cost"})
HEADER_OF_SUMS = frozenset({"date", "model", "kind", "tokens", "cost ($)"})
KEPT = ("user", "kind", "max mode", "cloud agent id", "automation id")
WRITE, UNCACHED, READ = "input (w/ cache write)", "input (w/o cache write)", "cache read"
COUNTS = (WRITE, UNCACHED, READ, "output tokens", "total tokens", "tokens")
MONEY = ("cost", "cost ($)", "cost to you")
# What a kind says: the first that fits counts.
FREE = ("free", "errored", "aborted", "no charge", "not charged", "api key")
INCLUDED = ("included",)
BILLED = ("on-demand", "on demand", "usage-based", "usage based")

Charge = tuple[CostBasis, Decimal | None]


def identify(header: Sequence[str]) -> bool:
    """Whether this is the header of an export of usage events."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER or cells >= HEADER_OF_SUMS


def parse(table: Table, options: Options) -> Parsed:
    """One record for each request."""
    kept = Dimensions(table, KEPT, defaults={"max mode": ("no", "false")})
    numbers = Numbers(table, options, *COUNTS, *MONEY)
    time_of, model_of = utc_time(table, options, "date"), table.reader("model")
    charge_of = _charges(table, numbers)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, model = time_of(cells), checked_name("model", model_of(cells))
        usage, total = read_usage(numbers, cells)
        found = kept.read(cells)
        metadata: dict[str, JSON] = dict(when.metadata)
        metadata |= {key.replace(" ", "_"): text for key, text in found.items() if text}
        if total != usage.input_tokens + usage.output_tokens:
            metadata["total_tokens"] = total
        model_name = canonical_claude(model)
        if model_name != model:
            metadata["model"] = model
        basis, cost_usd = charge_of(cells)
        # An estimate beside bills of the same day is of another request, and none of theirs.
        if basis != "estimated":
            metadata["ledger"] = ledger("cursor", options)
        if cost_usd is None and numbers.is_blank("tokens", cells):
            cost_usd = estimate(metadata, ModelRef("cursor", model_name), usage, when.timestamp)
        return CostRecord(
            provider="cursor",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, model, basis),
            cost_basis=basis,
            charge_type="adjustment" if basis == "billed" and cost_usd and cost_usd < 0 else "usage",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            request_count=1,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def read_usage(numbers: Numbers, cells: Sequence[str]) -> tuple[Usage, int]:
    """The tokens of a row, and how many it says they are."""
    count = {column: numbers.count(column, cells) for column in COUNTS}
    write, uncached, read, output = (count[column] for column in COUNTS[:4])
    total = count["total tokens"]
    if total == write + read + output and write >= uncached:
        write -= uncached
    input_tokens = write + uncached + read + count["tokens"]
    usage = Usage(input_tokens, output, cached_input_tokens=read, cache_write_tokens=write)
    return usage, total or input_tokens + output


def _charges(table: Table, numbers: Numbers) -> Callable[[Sequence[str]], Charge]:
    """A reader of who pays for a row, and of its money or worth; None where it names none."""
    kind_of, has_payment = table.reader("kind"), table.column("cost to you") is not None
    column = "cost" if table.column("cost") is not None else "cost ($)"

    def read_charge(cells: Sequence[str]) -> Charge:
        cost_usd = _read_money(numbers, column, cells)
        kind = kind_of(cells).casefold()
        if has_payment:
            payment_usd = _read_money(numbers, "cost to you", cells)
            return ("billed", payment_usd) if payment_usd else ("included", cost_usd or None)
        if any(words in kind for words in FREE):
            return "included", Decimal(0)
        if any(words in kind for words in INCLUDED):
            return "included", cost_usd or None
        if any(words in kind for words in BILLED) and cost_usd is not None:
            return "billed", cost_usd
        return "estimated", cost_usd

    return read_charge


def _read_money(numbers: Numbers, column: str, cells: Sequence[str]) -> Decimal | None:
    """An amount; None for `NaN`, `Included`, `-` and other words."""
    cell = numbers.text(column, cells)
    return numbers.amount(column, cells) if any(map(str.isdigit, cell)) else None
