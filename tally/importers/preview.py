"""Days of a file by model, before anything is saved."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tally.core.day_totals import DayTotals, day_of
from tally.core.records import CostRecord
from tally.core.text import plural
from tally.importers.protocol import Importer, Parsed


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
        "notes": list(notes),
        "days": sum_by_day(parsed.records, timezone),
    }


def describe_skipped(parsed: Parsed) -> list[str]:
    """A sentence for each reason why rows of a file are left out."""
    return [f"Skipped {plural(rows, 'row')} {reason}." for reason, rows in sorted(parsed.skipped.items())]


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
