"""Saving parsed files: every row is accounted for, and a repeated import adds nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from hashlib import sha256
from operator import xor
from typing import Any

from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord, canonical_decimal
from tally.importers import Parsed, Rejected
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.ledger.save import BATCH, save_batch
from tally.pricing.estimate import apply_custom_prices
from tally.storage.database import Database, DatabaseError

MAX_STORED_REJECTIONS = 1_000  # of one import; the counts are always complete
MAX_STORED_ROW_LENGTH = 500  # characters of a rejected row


class SaveInterrupted(DatabaseError):
    """Some of an import is saved and the rest is not; importing again completes it."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file's rows: read = added + already_there + rejected."""

    import_id: str
    read: int
    added: int
    already_there: int
    restated: int
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records of which each stands for the same number of rows, with their places in the file's list."""

    places: Sequence[int]
    records: Sequence[CostRecord]
    rows_each: int


def save_import(
    database: Database,
    parsed: Parsed,
    filename: str,
    format_name: str,
    data: bytes,
    on_progress: Progress = ignore_progress,
) -> ImportResult:
    """Save a parsed file and keep its outcome; a file that is here in full is not sent again.

    Raises OverlapRefused before anything is written, and SaveInterrupted when the database goes away.
    """
    breakdown = read_breakdown(parsed)
    refuse_overlap(database, breakdown, filename, format_name)
    digest, signature = sha256(data).hexdigest(), calculate_signature(parsed.records)
    same = database.call(
        "find_same_import", file_sha256=digest, signature=signature, record_count=len(parsed.records)
    )
    started = database.insert(
        "imports",
        {
            "filename": filename[-255:] or "upload.csv",
            "format": format_name,
            "file_sha256": digest,
            "rows_read": parsed.rows_read,
            "metadata": {"signature": signature}
            | ({"breakdown": breakdown} if breakdown else {})
            | ({"same_as": same} if same and parsed.records else {}),
        },
    )
    import_id = str(started["id"])
    try:
        if same and parsed.records:
            result = _all_there(parsed, import_id, on_progress)
        else:
            parsed.records = list(apply_custom_prices(database, parsed.records))
            result = _save_parsed(database, parsed, import_id, on_progress)
        database.update("imports", import_id, _outcome(result))
    except DatabaseError as error:
        raise _interrupted(database, import_id, error) from error
    return result


def calculate_signature(records: Sequence[CostRecord]) -> str:
    """What a file was read as: the same for the same events with the same figures, in any order."""
    events = reduce(xor, (record.source_key.int for record in records), 0)
    cost_usd = sum((record.cost_usd for record in records if record.cost_usd is not None), Decimal(0))
    tokens = sum(record.tokens_used for record in records)
    return f"{events:032x} {canonical_decimal(cost_usd)} {tokens}"


def undo_import(database: Database, import_id: str) -> None:
    """Delete an import with every record that it brought."""
    database.delete("imports", import_id)


def _save_parsed(database: Database, parsed: Parsed, import_id: str, on_progress: Progress) -> ImportResult:
    """Several batches at once: while one is being inserted the next is being read."""
    added = already_there = restated = 0
    rejected = list(parsed.rejected)
    done = 0
    with ThreadPoolExecutor(database.workers) as workers:
        batches = list(_batches(parsed))
        answers = workers.map(lambda batch: save_batch(database, batch.records, import_id), batches)
        for batch, saved in zip(batches, answers, strict=True):
            added += saved.inserted * batch.rows_each
            already_there += saved.duplicate * batch.rows_each
            restated += saved.restated * batch.rows_each
            for index, reason in saved.rejected:
                rejected += [Rejected(line, reason, "") for line in parsed.lines[batch.places[index]]]
            done += len(batch.records) * batch.rows_each
            on_progress(done, parsed.rows_read - len(parsed.rejected), "")
    rejected.sort(key=lambda row: row.line)
    return ImportResult(import_id, parsed.rows_read, added, already_there, restated, tuple(rejected))


def _all_there(parsed: Parsed, import_id: str, on_progress: Progress) -> ImportResult:
    rows = parsed.rows_read - len(parsed.rejected)
    on_progress(rows, rows, "")
    return ImportResult(import_id, parsed.rows_read, 0, rows, 0, tuple(parsed.rejected))


def _batches(parsed: Parsed) -> Iterator[_Batch]:
    """In order of time, so that the database compares each batch with its own stretch only."""
    places_by_rows: dict[int, list[int]] = defaultdict(list)
    for place in sorted(range(len(parsed.records)), key=lambda place: parsed.records[place].timestamp):
        places_by_rows[len(parsed.lines[place])].append(place)
    for rows_each, places in places_by_rows.items():
        for start in range(0, len(places), BATCH):
            chosen = places[start : start + BATCH]
            yield _Batch(chosen, [parsed.records[place] for place in chosen], rows_each)


def _outcome(result: ImportResult) -> dict[str, Any]:
    return {
        "rows_imported": result.added,
        "rows_duplicate": result.already_there,
        "rows_restated": result.restated,
        "rows_rejected": len(result.rejected),
        "errors": [
            {"line": row.line, "reason": row.reason, "row": row.row_text[:MAX_STORED_ROW_LENGTH]}
            for row in result.rejected[:MAX_STORED_REJECTIONS]
        ],
        "status": "done",
        "finished_at": datetime.now(UTC).isoformat(),
    }


def _interrupted(database: Database, import_id: str, error: DatabaseError) -> SaveInterrupted:
    """Note the failure if the database still answers; the list of imports shows it either way."""
    with suppress(DatabaseError):
        database.update(
            "imports", import_id, {"status": "failed", "finished_at": datetime.now(UTC).isoformat()}
        )
    return SaveInterrupted(
        f"{error} The import stopped part of the way; import the same file again to finish it: "
        "rows that are saved already will not be added twice."
    )
