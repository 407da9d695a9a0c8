"""Previews of an import as it will be saved: money by day and provider, and the first records."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.figures.currencies import Currency
from app.views.imports.choices import Choices
from tally.core.records import CostRecord
from tally.importers import Parsed
from tally.ledger.billing_account import preview_overlaps
from tally.pricing.estimate import price_with

FIRST_ROWS = 20


@dataclass(slots=True)
class ProviderTotal:
    """Amounts and counts of one provider; `included` is not money spent."""

    billed: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    included: Decimal = Decimal(0)
    unpriced: int = 0
    records: int = 0

    @property
    def spent(self) -> Decimal:
        """Money: billed and estimated."""
        return self.billed + self.estimated

    def add(self, record: CostRecord, amount: Decimal | None) -> None:
        """Add a record with its amount in the chosen currency."""
        self.records += 1
        if amount is None:
            self.unpriced += 1
        elif record.cost_basis == "billed":
            self.billed += amount
        elif record.cost_basis == "estimated":
            self.estimated += amount
        else:
            self.included += amount

    def include(self, other: "ProviderTotal") -> None:
        """Add another file's total."""
        self.billed += other.billed
        self.estimated += other.estimated
        self.included += other.included
        self.unpriced += other.unpriced
        self.records += other.records


@dataclass(slots=True)
class Preview:
    """One file or several, before they are saved."""

    rows: int = 0
    rows_blank: int = 0
    rejected: int = 0
    totals: dict[str, ProviderTotal] = field(default_factory=lambda: defaultdict(ProviderTotal))
    daily: dict[tuple[date, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    first_records: Sequence[CostRecord] = ()

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day with a record."""
        days = [day for day, _ in self.daily]
        return (min(days), max(days)) if days else None

    @property
    def total(self) -> ProviderTotal:
        """All providers together."""
        together = ProviderTotal()
        for total in self.totals.values():
            together.include(total)
        return together


def build_preview(parsed: Parsed, choices: Choices) -> Preview:
    """Sum up a parsed file at the prices that saving applies, each record at the exchange rate of its day."""
    records = price_with(parsed.records, choices.prices)
    preview = Preview(
        parsed.rows_read, parsed.rows_blank, len(parsed.rejected), first_records=records[:FIRST_ROWS]
    )
    zone = ZoneInfo(choices.timezone)
    for record in preview_overlaps(records):
        amount = convert_cost(record, zone, choices.currency)
        preview.totals[record.provider].add(record, amount)
        spent = Decimal(0) if record.cost_basis == "included" else amount or Decimal(0)
        preview.daily[local_day(record, zone), record.provider] += spent
    return preview


def combine_previews(previews: Iterable[Preview]) -> Preview:
    """Several files as one; rows that occur in several files count each time."""
    combined = Preview()
    for preview in previews:
        combined.rows += preview.rows
        combined.rows_blank += preview.rows_blank
        combined.rejected += preview.rejected
        for provider, total in preview.totals.items():
            combined.totals[provider].include(total)
        for key, amount in preview.daily.items():
            combined.daily[key] += amount
    return combined


def local_day(record: CostRecord, zone: ZoneInfo) -> date:
    """The account's day to which a record belongs."""
    return record.day or record.timestamp.astimezone(zone).date()


def convert_cost(record: CostRecord, zone: ZoneInfo, currency: Currency) -> Decimal | None:
    """The cost in the chosen currency at the exchange rate of its day; None without a price."""
    return None if record.cost_usd is None else currency.convert(record.cost_usd, local_day(record, zone))
