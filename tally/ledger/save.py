"""Saving of records: each event once, every row accounted for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from tally.core.records import CollectionMethod, CostRecord, to_columns
from tally.pricing.estimate import apply_workspace_prices
from tally.storage.database import Database

BATCH = 5_000


@dataclass(slots=True)
class Saved:
    """Outcome of saving records; restated ones are among the duplicates."""

    inserted: int = 0
    duplicate: int = 0
    restated: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)  # index of the record, reason


def save_records(database: Database, records: Sequence[CostRecord], import_id: str | None = None) -> Saved:
    """Save records and skip known ones; safe to repeat."""
    return _save_batches(database, _split(apply_workspace_prices(database, records)), import_id)


def replace_window(
    database: Database, import_id: str, dataset: str, days: tuple[date, date], records: Sequence[CostRecord]
) -> Saved:
    """Save a dataset's records of these UTC days, and delete its other records of these days.

    Every record has this dataset and a day. Each day is saved by itself: a bill makes all estimates of its
    day ineffective, which may be too many in one call for a month. Safe to repeat after any interruption.
    """
    priced = sorted(apply_workspace_prices(database, records), key=_day_of)
    by_day = [list(of_day) for _, of_day in groupby(priced, key=_day_of)]
    saved = _save_batches(database, (batch for of_day in by_day for batch in _split(of_day)), import_id)
    database.call(
        "delete_missing",
        import_id=import_id,
        dataset=dataset,
        first_day=days[0].isoformat(),
        last_day=days[1].isoformat(),
        keys=tuple(str(record.source_key) for record in records),
    )
    return saved


def save_batch(database: Database, records: Sequence[CostRecord], import_id: str | None) -> Saved:
    """Save at most BATCH records, in one transaction."""
    usual: CollectionMethod = "csv_import" if import_id else "manual_entry"
    answer: dict[str, Any] = database.call(
        "save_cost_records", import_id=import_id, records=to_columns(records, usual)
    )
    rejected = [(entry["index"], entry["reason"]) for entry in answer["rejected"]]
    return Saved(answer["inserted"], answer["duplicate"], answer["restated"], rejected)


def _save_batches(
    database: Database, batches: Iterable[Sequence[CostRecord]], import_id: str | None
) -> Saved:
    total, start = Saved(), 0
    for batch in batches:
        answer = save_batch(database, batch, import_id)
        total.inserted += answer.inserted
        total.duplicate += answer.duplicate
        total.restated += answer.restated
        total.rejected += [(start + index, reason) for index, reason in answer.rejected]
        start += len(batch)
    return total


def _split(records: Sequence[CostRecord]) -> Iterator[Sequence[CostRecord]]:
    return (records[start : start + BATCH] for start in range(0, len(records), BATCH))


def _day_of(record: CostRecord) -> date:
    return record.day or record.timestamp.date()
