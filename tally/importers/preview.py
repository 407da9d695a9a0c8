"""Previews of files by day and model, before anything is saved."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tally.catalog.payees import OTHER
from tally.core.day_totals import DayTotals, day_of
from tally.core.records import CostRecord
from tally.core.text import plural
from tally.importers.protocol import Importer, Parsed
from tally.importers.readers.table import Rejected, list_quoted
from tally.ledger.billing_account import Charges, sum_charges
from tally.pricing.class_prices import AT_STANDARD_PRICE

UNKNOWN_PRICE = f"{AT_STANDARD_PRICE}none is known"
OF_PERIOD = (
    "of a longer period than a day: the amount counts on the first day of its period, "
    "and replaces no estimates of the others"
)
UNKNOWN_PROVIDER = "under Other: the file names no provider for them that Tally knows"
Group: TypeAlias = tuple[date, str, str, str, str]  # day, model, provider, cost basis and charge type


@dataclass(slots=True)
class Preview:
    """Records of a file, or of a share of its rows.

    Nothing is settled: usage and a bill of a day are in groups of their own. `identities` has the number of
    the identity of each record.
    """

    importer: str
    title: str
    identities: list[int]
    rows_read: int
    rejected: list[Rejected]
    skipped: Counter[str]
    uncertain: Counter[str]  # records by the sentence that says so
    days: dict[Group, DayTotals]
    charges: Charges
    unused: Sequence[str] = ()  # headings of columns that are left out

    def add(self, other: "Preview") -> bool:
        """Add another share of the rows; False, without a change, where both have rows of one record."""
        if not set(self.identities).isdisjoint(other.identities):
            return False
        self.identities += other.identities
        self.rows_read += other.rows_read
        self.rejected = sorted(self.rejected + other.rejected, key=lambda row: row.line)
        self.skipped += other.skipped
        self.uncertain += other.uncertain
        for group, totals in other.days.items():
            self.days[group].add_totals(totals)
        for charge, usd in other.charges.items():
            self.charges[charge] += usd
        return True

    def describe(self) -> list[str]:
        """Sentences about what is left out, and about what is uncertain in the rest."""
        return describe_skipped(self.skipped) + self._list_notes()

    def to_json(self, filename: str, notes: Sequence[str]) -> dict[str, Any]:
        """The file's part of the report that `tally import --dry-run --json` prints."""
        return {
            "file": filename,
            "importer": self.importer,
            "title": self.title,
            "records": len(self.identities),
            "rejected": [{"line": row.line, "reason": row.reason} for row in self.rejected],
            "skipped": [{"reason": reason, "rows": rows} for reason, rows in sorted(self.skipped.items())],
            "notes": [*self._list_notes(), *notes],
            "days": [
                {
                    "day": day.isoformat(),
                    "model": model,
                    "provider": provider,
                    "cost_basis": cost_basis,
                    "charge_type": charge_type,
                    **totals.to_json(),
                }
                for (day, model, provider, cost_basis, charge_type), totals in sorted(
                    self.days.items(), key=itemgetter(0)
                )
            ],
        }

    def _list_notes(self) -> list[str]:
        return describe_unused(self.unused) + describe_counts(self.uncertain)


def preview(importer: Importer, parsed: Parsed, timezone: str) -> Preview:
    """The preview of a parsed file."""
    return Preview(
        importer.name,
        importer.title,
        [record.source_key.int for record in parsed.records],
        parsed.rows_read,
        parsed.rejected,
        parsed.skipped,
        find_uncertain(parsed.records),
        sum_by_day(parsed.records, timezone),
        sum_charges(parsed.records),
        parsed.unused,
    )


def describe_skipped(skipped: Mapping[str, int]) -> list[str]:
    """A sentence for each reason why rows of a file are left out."""
    return [f"Skipped {plural(rows, 'row')} {reason}." for reason, rows in sorted(skipped.items())]


def describe_unused(headings: Sequence[str]) -> list[str]:
    """A sentence for the columns of a table of costs that are left out."""
    return [f"Not imported: {list_quoted(headings)}."] if headings else []


def describe_parsed(parsed: Parsed) -> list[str]:
    """Sentences about what is left out of a file, and about what is uncertain in the rest."""
    return [
        *describe_skipped(parsed.skipped),
        *describe_unused(parsed.unused),
        *describe_counts(find_uncertain(parsed.records)),
    ]


def find_uncertain(records: Sequence[CostRecord]) -> Counter[str]:
    """Numbers of records with prices or providers that are not known, and of bills of more than a day."""
    notes = Counter(str(record.metadata.get("price_note", "")) for record in records)
    found = Counter({f"at the {note}": n for note, n in notes.items() if note.startswith(UNKNOWN_PRICE)})
    found[OF_PERIOD] = sum(map(_is_of_period, records))
    found[UNKNOWN_PROVIDER] = sum(record.provider == OTHER for record in records)
    return +found


def describe_counts(uncertain: Mapping[str, int]) -> list[str]:
    """A sentence for each kind of uncertain records."""
    return [f"{plural(count, 'record')} {text}." for text, count in sorted(uncertain.items())]


def _is_of_period(record: CostRecord) -> bool:
    ends = record.metadata.get("period_end") or record.metadata.get("usage_end_date")
    return record.day is not None and isinstance(ends, str) and ends[:10] > record.day.isoformat()


def sum_by_day(records: Sequence[CostRecord], timezone: str) -> dict[Group, DayTotals]:
    """The totals of each group, with days in a time zone."""
    zone = ZoneInfo(timezone)
    totals: dict[Group, DayTotals] = defaultdict(DayTotals)
    for record in records:
        key = (
            day_of(record, zone),
            record.model_name,
            record.provider,
            record.cost_basis,
            record.charge_type,
        )
        totals[key].add(record)
    return totals
