"""What an import would add: days, money by provider, and the first rows, in the person's currency."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd

from app.figures.currencies import Currency
from app.formats.dates import format_instant
from app.formats.money import format_money
from tally.core.records import CostRecord
from tally.importers import Parsed
from tally.ledger.billing_account import preview_settlement

FIRST_ROWS = 20
FIRST_REJECTED = 200
NO_PRICE = "no price"


@dataclass(slots=True)
class ProviderTotal:
    """What a file says about one provider; `included` is worth, not money."""

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
        """Count one record, which comes to that amount."""
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
    """A file, or several, before anything of it is saved."""

    rows: int = 0
    rows_blank: int = 0
    rejected: int = 0
    totals: dict[str, ProviderTotal] = field(default_factory=lambda: defaultdict(ProviderTotal))
    daily: dict[tuple[date, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

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


def build_preview(parsed: Parsed, timezone: str, currency: Currency) -> Preview:
    """Sum up a parsed file, each record at the rate of its day."""
    preview = Preview(parsed.rows_read, parsed.rows_blank, len(parsed.rejected))
    zone = ZoneInfo(timezone)
    for record in preview_settlement(parsed.records):
        day = local_day(record, zone)
        amount = None if record.cost_usd is None else currency.convert(record.cost_usd, day)
        preview.totals[record.provider].add(record, amount)
        spent = Decimal(0) if record.cost_basis == "included" else amount or Decimal(0)
        preview.daily[day, record.provider] += spent
    return preview


def combine_previews(previews: Iterable[Preview]) -> Preview:
    """Several files as one; rows that they share are counted in each."""
    combined = Preview()
    for preview in previews:
        combined.rows += preview.rows
        combined.rows_blank += preview.rows_blank
        combined.rejected += preview.rejected
        for provider, total in preview.totals.items():
            combined.totals[provider].include(total)
        for place, amount in preview.daily.items():
            combined.daily[place] += amount
    return combined


def local_day(record: CostRecord, zone: ZoneInfo) -> date:
    """The person's day on which a record falls."""
    day = record.metadata.get("day")
    return date.fromisoformat(day) if isinstance(day, str) else record.timestamp.astimezone(zone).date()


def daily_frame(preview: Preview) -> pd.DataFrame:
    """Spend as the chart takes it: date, provider, cost."""
    places = sorted(preview.daily)
    return pd.DataFrame(
        {
            "date": pd.to_datetime([day for day, _ in places]),
            "provider": [provider for _, provider in places],
            "cost": [float(preview.daily[place]) for place in places],
        }
    )


def totals_frame(preview: Preview, labels: dict[str, str], currency: str) -> pd.DataFrame:
    """A line a provider, the dearest first; columns that would be empty throughout are left out."""
    ordered = sorted(preview.totals.items(), key=lambda item: item[1].spent, reverse=True)
    frame = pd.DataFrame(
        {
            "Provider": [labels.get(provider, provider) for provider, _ in ordered],
            "Billed": [format_money(total.billed, currency) for _, total in ordered],
            "Estimated": [format_money(total.estimated, currency) for _, total in ordered],
            "Included": [format_money(total.included, currency) for _, total in ordered],
            "Unpriced": [total.unpriced for _, total in ordered],
            "Records": [total.records for _, total in ordered],
        }
    )
    together = preview.total
    shown = {
        "Estimated": together.estimated,
        "Included": together.included,
        "Unpriced": together.unpriced,
    }
    return frame.drop(columns=[name for name, amount in shown.items() if not amount])


def first_rows_frame(
    records: Sequence[CostRecord], labels: dict[str, str], timezone: str, currency: Currency
) -> pd.DataFrame:
    """The first records as they will be saved."""
    zone = ZoneInfo(timezone)
    return pd.DataFrame(
        [
            {
                "When": record.metadata.get("day") or format_instant(record.timestamp, zone),
                "Provider": record.metadata.get("provider_name")
                or labels.get(record.provider, record.provider),
                "Model": record.model_name,
                "Cost": NO_PRICE
                if record.cost_usd is None
                else format_money(currency.convert(record.cost_usd, local_day(record, zone)), currency.code),
                "Tokens": record.tokens_used,
                "Requests": record.request_count,
                "Note": record.metadata.get("note") or "",
            }
            for record in records[:FIRST_ROWS]
        ]
    )
