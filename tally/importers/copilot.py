"""GitHub Copilot's premium request and AI usage reports: usage covered by the plan, and charges beyond it.

Supports the columns until 2025-09 (one use per row, no costs), from 2025-10 (sums per UTC day) and from
2026-06 (with repositories, AI credits and tokens), and the metered usage report of all of GitHub's products,
which has no models: rows of other products are skipped, seats are subscriptions.

- `net_amount` is billed. A day that the quota covers entirely is included and worth its gross amount; for a
  day covered in part, the discount is stored in the metadata.
- `aic_*` is the amount in AI credits, also of rows billed in another unit: stored, never added to the cost.
- Token columns are disjoint, as in GitHub's prices: input excludes cache reads and writes.
- Until 2025-09 there are no costs: uses within the quota are worth GitHub's published price beyond it, and
  uses beyond it are estimated at that price. Accounts that disallowed such charges paid nothing.
- A premium request is a billing unit, not a request: one request takes a third of a unit up to ten units.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, NO_MODEL, ChargeType, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day, utc_time
from tally.importers.protocol import Options, Parsed, RowRejected, RowSkipped, read_rows
from tally.importers.readers.table import Table

name = "copilot"
title = "GitHub Copilot usage report"

HEADER = frozenset({"date", "sku", "quantity", "gross_amount", "net_amount"})
HEADER_OF_USES = frozenset({"timestamp", "model", "requests used", "exceeds monthly quota"})
# The identity of a row in every version; repositories and quotas only split rows further.
DIMENSIONS = ("username", "product", "sku", "model", "organization", "cost_center_name")
AMOUNTS = ("gross_amount", "net_amount", "aic_gross_amount")
TOKENS = ("input", "output", "cache_read", "cache_write")
METERED = "copilot_metered"  # the dataset of reports without models, whose sums are the same charges
SEATS = re.compile(r"copilot_(?:for_business|business|enterprise|standalone|pro)(?:_|$)", re.IGNORECASE)
PUBLISHED_PRICE_USD = Decimal("0.04")
PRICE_NOTE = "at $0.04 a premium request, GitHub's published price beyond the quota"

_AI = re.compile(r"copilot|models|spark", re.IGNORECASE)
_PICKED_BY_GITHUB = re.compile(r"auto:\s*", re.IGNORECASE)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a report of any version."""
    cells = {cell.casefold() for cell in header}
    return (cells >= HEADER and not cells.isdisjoint({"model", "product"})) or cells >= HEADER_OF_USES


def parse(table: Table, options: Options) -> Parsed:
    """One record per day and combination of dimensions, or, until 2025-09, per use."""
    has_money = table.column("net_amount") is not None
    return read_rows(table, _days(table, options) if has_money else _uses(table, options))


def model_of(cell: str) -> str:
    """The name in other sources for names such as `Claude Sonnet 4.5` and `Auto: GPT-5`."""
    model = _PICKED_BY_GITHUB.sub("", cell)
    canonical = canonical_model(model)
    return canonical if canonical != model else re.sub(r"\s+", "-", model).lower()


def _days(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions, numbers = Dimensions(table, DIMENSIONS), Numbers(table, options, *AMOUNTS, *TOKENS)
    day_of, details = (
        utc_day(table, options, "date"),
        Dimensions(table, ("repository", "quantity", "unit_type")),
    )

    def key_of(cells: Sequence[str]) -> UUID:
        return identity(name, options.account, day_of(cells).key, *dimensions.read(cells).values())

    # If any row of a record is billed, all are: billed and included amounts are never added up.
    billed = set()
    for _, cells in table.rows:
        with suppress(RowRejected):
            if numbers.amount("net_amount", cells):
                billed.add(key_of(cells))
    account = billing_account("github-copilot", options)
    dataset = name if table.column("model") is not None else METERED

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found, key = day_of(cells), dimensions.read(cells), key_of(cells)
        if found["product"] and not _AI.search(found["product"]):
            raise RowSkipped("of products other than AI")
        gross_usd, net_usd = numbers.amount("gross_amount", cells), numbers.amount("net_amount", cells)
        cost_usd = net_usd if key in billed else gross_usd
        metadata: dict[str, JSON] = {
            **dimensions.shown(found, model_of(found["model"])),
            "gross_usd": canonical_decimal(gross_usd),
            "discount_usd": canonical_decimal(gross_usd - net_usd),
        }
        if not numbers.is_blank("aic_gross_amount", cells):
            metadata["ai_credits_usd"] = canonical_decimal(numbers.amount("aic_gross_amount", cells))
        metadata |= {key: text for key, text in details.read(cells).items() if text}
        tokens = {column: numbers.count(column, cells) for column in TOKENS}
        return CostRecord(
            provider="github-copilot",
            timestamp=when.timestamp,
            model_name=model_of(found["model"]) or found["sku"] or NO_MODEL,
            cost_usd=cost_usd,
            source_key=key,
            cost_basis="billed" if key in billed else "included",
            charge_type=_find_charge(found["sku"], cost_usd if key in billed else Decimal(0)),
            input_tokens=tokens["input"] + tokens["cache_read"] + tokens["cache_write"],
            output_tokens=tokens["output"],
            cached_input_tokens=tokens["cache_read"],
            cache_write_tokens=tokens["cache_write"],
            day=when.day,
            billing_account=account,
            dataset=dataset,
            metadata=metadata,
        )

    return read_row


def _find_charge(sku: str, billed_usd: Decimal) -> ChargeType:
    if billed_usd < 0:
        return "adjustment"
    return "subscription" if SEATS.match(sku) else "usage"


def _uses(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    dimensions, details = Dimensions(table, ("user", "model")), Dimensions(table, ("total monthly quota",))
    numbers, time_of = Numbers(table, options, "requests used"), utc_time(table, options, "timestamp")
    exceeds = table.reader("exceeds monthly quota")
    account = billing_account("github-copilot", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = time_of(cells), dimensions.read(cells)
        used, is_beyond = numbers.amount("requests used", cells), exceeds(cells).lower() == "true"
        metadata: dict[str, JSON] = {
            **dimensions.shown(found, model_of(found["model"])),
            "quantity": canonical_decimal(used),
            "price_note": PRICE_NOTE,
        }
        if quota := details.read(cells)["total monthly quota"]:
            metadata["total_monthly_quota"] = quota
        return CostRecord(
            provider="github-copilot",
            timestamp=when.timestamp,
            model_name=model_of(found["model"]) or NO_MODEL,
            cost_usd=used * PUBLISHED_PRICE_USD,
            source_key=identity(name, options.account, when.key, *found.values(), int(is_beyond)),
            cost_basis="estimated" if is_beyond else "included",
            request_count=1,
            day=when.day,
            billing_account=account,
            metadata=metadata,
        )

    return read_row
