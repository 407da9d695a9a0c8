"""GitHub Copilot's premium request and AI usage reports: what the plan covered and what came on top.

Header sets as GitHub exported them until 2025-09 (one use a row, no money), from 2025-10 (sums of a UTC day)
and from 2026-06 (with repositories, AI credits and tokens).

- `net_amount` is what is billed. A day that the plan's quota covered altogether is included, and worth its
  gross amount; of a day covered in part, what the quota took off stays beside the bill.
- `aic_*` says what a row would be in AI credits, whatever it was billed in: kept beside, never added.
- Tokens are taken to be counted apart, as GitHub prices them: input without what was cached.
- Until 2025-09 there is no money: uses within the quota are worth the price that GitHub published for uses
  beyond it, and those beyond are an estimate at that price. Who had forbidden such charges paid nothing.
- A premium request is a unit of billing, not a request: models take a third of one or ten for each.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from tally.catalog.models import canonical_claude
from tally.core.records import JSON, NO_MODEL, CostRecord, canonical_decimal, identity
from tally.importers.exports import Dimensions, Numbers, ledger, utc_day, utc_time
from tally.importers.protocol import Options, Parsed, RowRejected, read_rows
from tally.importers.readers.table import Table

name = "copilot"
title = "GitHub Copilot usage report"

HEADER = frozenset({"date", "sku", "model", "quantity", "gross_amount", "net_amount"})
HEADER_OF_USES = frozenset({"timestamp", "model", "requests used", "exceeds monthly quota"})
# Rows of one event in every vintage; a repository or a quota only splits them further.
DIMENSIONS = ("username", "product", "sku", "model", "organization", "cost_center_name")
AMOUNTS = ("gross_amount", "net_amount", "aic_gross_amount")
TOKENS = ("input", "output", "cache_read", "cache_write")
PUBLISHED_PRICE_USD = Decimal("0.04")
PRICE_NOTE = "at $0.04 a premium request, GitHub's published price beyond the quota"

_PICKED_BY_GITHUB = re.compile(r"auto:\s*", re.IGNORECASE)


def identify(header: Sequence[str]) -> bool:
    """Whether this is the header of a report of any vintage."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER or cells >= HEADER_OF_USES


def parse(table: Table, options: Options) -> Parsed:
    """One record for each day and combination of dimensions, or, until 2025-09, for each use."""
    has_money = table.column("net_amount") is not None
    return read_rows(table, _days(table, options) if has_money else _uses(table, options))


def model_of(cell: str) -> str:
    """`Claude Sonnet 4.5` and `Auto: GPT-5` under the names that other sources have for them."""
    model = _PICKED_BY_GITHUB.sub("", cell)
    canonical = canonical_claude(model)
    return canonical if canonical != model else re.sub(r"\s+", "-", model).lower()


def _days(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions, numbers = Dimensions(table, DIMENSIONS), Numbers(table, options, *AMOUNTS, *TOKENS)
    day_of, kept = utc_day(table, options, "date"), Dimensions(table, ("repository", "quantity", "unit_type"))

    def key_of(cells: Sequence[str]) -> UUID:
        return identity(name, options.account, day_of(cells).key, *dimensions.read(cells).values())

    # A day is money as soon as any of its rows is; what is worth and what is money are never added up.
    billed = set()
    for _, cells in table.rows:
        with suppress(RowRejected):
            if numbers.amount("net_amount", cells):
                billed.add(key_of(cells))

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found, key = day_of(cells), dimensions.read(cells), key_of(cells)
        gross_usd, net_usd = numbers.amount("gross_amount", cells), numbers.amount("net_amount", cells)
        cost_usd = net_usd if key in billed else gross_usd
        metadata: dict[str, JSON] = {
            **when.metadata,
            "ledger": ledger("github-copilot", options),
            "dataset": name,
            **dimensions.shown(found, model_of(found["model"])),
            "gross_usd": canonical_decimal(gross_usd),
            "discount_usd": canonical_decimal(gross_usd - net_usd),
        }
        if not numbers.is_blank("aic_gross_amount", cells):
            metadata["ai_credits_usd"] = canonical_decimal(numbers.amount("aic_gross_amount", cells))
        metadata |= {key: text for key, text in kept.read(cells).items() if text}
        tokens = {column: numbers.count(column, cells) for column in TOKENS}
        return CostRecord(
            provider="github-copilot",
            timestamp=when.timestamp,
            model_name=model_of(found["model"]) or found["sku"] or NO_MODEL,
            cost_usd=cost_usd,
            source_key=key,
            cost_basis="billed" if key in billed else "included",
            charge_type="adjustment" if key in billed and cost_usd < 0 else "usage",
            input_tokens=tokens["input"] + tokens["cache_read"] + tokens["cache_write"],
            output_tokens=tokens["output"],
            cached_input_tokens=tokens["cache_read"],
            cache_write_tokens=tokens["cache_write"],
            metadata=metadata,
        )

    return read_row


def _uses(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions, kept = Dimensions(table, ("user", "model")), Dimensions(table, ("total monthly quota",))
    numbers, time_of = Numbers(table, options, "requests used"), utc_time(table, options, "timestamp")
    exceeds = table.reader("exceeds monthly quota")

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = time_of(cells), dimensions.read(cells)
        used, is_beyond = numbers.amount("requests used", cells), exceeds(cells).lower() == "true"
        metadata: dict[str, JSON] = {
            **when.metadata,
            "ledger": ledger("github-copilot", options),
            **dimensions.shown(found, model_of(found["model"])),
            "quantity": canonical_decimal(used),
            "price_note": PRICE_NOTE,
        }
        if quota := kept.read(cells)["total monthly quota"]:
            metadata["total_monthly_quota"] = quota
        return CostRecord(
            provider="github-copilot",
            timestamp=when.timestamp,
            model_name=model_of(found["model"]) or NO_MODEL,
            cost_usd=used * PUBLISHED_PRICE_USD,
            source_key=identity(name, options.account, when.key, *found.values(), int(is_beyond)),
            cost_basis="estimated" if is_beyond else "included",
            request_count=1,
            metadata=metadata,
        )

    return read_row
