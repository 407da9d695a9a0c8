"""Days of a file by model, before anything is saved."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tally.core.day_totals import DayTotals, day_of
from tally.core.records import CostRecord
from tally.core.text import plural
from tally.importers.protocol import Importer, Parsed

UNKNOWN_PRICE = "standard price: none is known"  # how the note of a price begins


def describe_file(
    filename: str, importer: Importer, parsed: Parsed, timezone: str, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a file's part of the report that `tally import --dry-run --json` prints."""
    return {
        "file": filename,
        "importer": importer.name,
        "title": importer.title,
        "records": len(parsed.records),
        "rejected": [{"line": row.line, "reason": row.reason} for row in parsed.rejected],
        "skipped": [{"reason": reason, "rows": rows} for reason, rows in sorted(parsed.skipped.items())],
        "notes": [*describe_records(parsed.records), *notes],
        "days": sum_by_day(parsed.records, timezone),
    }


def describe_parsed(parsed: Parsed) -> list[str]:
    """Sentences about what is left out of a file, and about what is uncertain in the rest."""
    skipped = [f"Skipped {plural(rows, 'row')} {reason}." for reason, rows in sorted(parsed.skipped.items())]
    return skipped + describe_records(parsed.records)


def describe_records(records: Sequence[CostRecord]) -> list[str]:
    """Sentences about bills of longer periods than a day, and about prices that are not known."""
    notes = Counter(str(record.metadata.get("price_note", "")) for record in records)
    sentences = [
        f"{plural(count, 'record')} at the {note}."
        for note, count in sorted(notes.items())
        if note.startswith(UNKNOWN_PRICE)
    ]
    if count := sum(map(_is_of_period, records)):
        sentences.append(
            f"{plural(count, 'record')} of a longer period than a day: the amount counts on the first day of "
            "its period, and replaces no estimates of the others."
        )
    return sentences


def _is_of_period(record: CostRecord) -> bool:
    ends = record.metadata.get("period_end") or record.metadata.get("usage_end_date")
    return record.day is not None and isinstance(ends, str) and ends[:10] > record.day.isoformat()


def sum_by_day(records: Sequence[CostRecord], timezone: str) -> list[dict[str, Any]]:
    """Return a row for each day, model, provider, cost basis and charge type, in this order.

    Nothing is settled: usage and a bill of the same day are rows of their own.
    """
    zone = ZoneInfo(timezone)
    totals: dict[tuple[date, str, str, str, str], DayTotals] = defaultdict(DayTotals)
    for record in records:
        key = (
            day_of(record, zone),
            record.model_name,
            record.provider,
            record.cost_basis,
            record.charge_type,
        )
        totals[key].add(record)
    return [
        {
            "day": day.isoformat(),
            "model": model,
            "provider": provider,
            "cost_basis": cost_basis,
            "charge_type": charge_type,
            **total.to_json(),
        }
        for (day, model, provider, cost_basis, charge_type), total in sorted(totals.items())
    ]
