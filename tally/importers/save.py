"""Saving parsed files: every row is accounted for, and repeating an import is safe."""

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from hashlib import sha256
from operator import xor
from threading import Lock

from tally.core.encoding import canonical_decimal
from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord
from tally.importers import Parsed, Rejected
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.importers.own_exports import find_projects, find_stored
from tally.ledger.save import BATCH, Saved, save_batch
from tally.pricing.estimate import apply_workspace_prices
from tally.storage.database import Database, DatabaseError, Query, Row

MAX_STORED_REJECTIONS = 1_000  # of one import; the counts are always complete
MAX_FILENAME = 255
MAX_STORED_ROW_LENGTH = 500  # characters of a rejected row


class SaveInterrupted(DatabaseError):
    """A partly saved import; importing the same file again completes it."""


@dataclass(frozen=True, slots=True)
class ImportFile:
    """The file that records were parsed from."""

    filename: str
    format_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of a saved file's rows: read = added + already_there + rejected.

    Added rows became `new_records`, which sum up one row or several.
    """

    import_id: str  # empty: there was nothing to save
    read: int
    added: int
    new_records: int
    already_there: int
    restated: int
    rejected: tuple[Rejected, ...]
    unknown_projects: tuple[str, ...] = ()  # that Tally's own export names
    is_excluded: bool = False  # everything was there already, in a source that totals leave out


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records that sum up the same number of rows each, with their places among the parsed records."""

    places: Sequence[int]
    records: Sequence[CostRecord]
    rows_each: int


class _Sender:
    """Sends batches, one at a time once the database knows some of the records.

    It saves known records one batch after another, and the wait counts towards the API's time limit.
    """

    def __init__(self, database: Database, import_id: str) -> None:
        self._database, self._import_id = database, import_id
        self._turn = Lock()
        self._takes_turns = False

    def send(self, batch: _Batch) -> Saved:
        """Save a batch; raises DatabaseError."""
        with self._turn if self._takes_turns else nullcontext():
            saved = save_batch(self._database, batch.records, self._import_id)
        self._takes_turns |= saved.duplicate > 0
        return saved


@dataclass(frozen=True, slots=True)
class FileKey:
    """Content of a file and of the records in it; equal where an import would add nothing."""

    file_sha256: str
    signature: str
    record_count: int


def identify_file(parsed: Parsed, content: bytes) -> FileKey:
    """The key of a parsed file that is not saved yet."""
    return FileKey(sha256(content).hexdigest(), calculate_signature(parsed.records), len(parsed.records))


def find_same_import(database: Database, key: FileKey) -> str | None:
    """The id of the caller's last import of the same file, if its records are complete and unchanged."""
    found: str | None = database.call("find_same_import", **asdict(key))
    return found


def save_import(
    database: Database, parsed: Parsed, file: ImportFile, on_progress: Progress = ignore_progress
) -> ImportResult:
    """Save a parsed file and its outcome; without anything that the account lacks, it adds no source.

    Raises OverlapRefused before anything is written, and SaveInterrupted when the database fails.
    """
    breakdown = read_breakdown(parsed)
    refuse_overlap(database, breakdown, file.filename, file.format_name)
    key = identify_file(parsed, file.content)
    digest, signature = key.file_sha256, key.signature
    same = find_same_import(database, key)
    stored = find_stored(database, parsed)
    if same or len(stored) == len(parsed.records):
        return _report_stored(parsed, str(same or ""), on_progress)
    if excluded := _find_excluded(database, digest, signature):
        return replace(_report_stored(parsed, excluded, on_progress), is_excluded=True)
    metadata: Row = {"signature": signature} | ({"breakdown": breakdown} if breakdown else {})
    import_id = _start_import(database, parsed, file, digest, metadata)
    try:
        unknown_projects = find_projects(database, parsed, stored)
        parsed.records = list(apply_workspace_prices(database, parsed.records))
        result = _save_parsed(database, parsed, stored, import_id, on_progress)
        result = replace(result, unknown_projects=unknown_projects)
        database.update("imports", import_id, _outcome(result))
    except DatabaseError as error:
        raise _interrupted(database, import_id, error) from error
    return result


def describe_excluded(filename: str) -> str:
    """The sentence about a file that was imported before and does not count."""
    return (
        f"{filename} was imported before, and its source is excluded from totals. "
        "To count it, choose Include in totals for it on the Sources page."
    )


def calculate_signature(records: Sequence[CostRecord]) -> str:
    """A fingerprint of parsed records: equal for the same events with the same figures, in any order."""
    events = reduce(xor, (record.source_key.int for record in records), 0)
    cost_usd = sum((record.cost_usd for record in records if record.cost_usd is not None), Decimal(0))
    tokens = sum(record.tokens_used for record in records)
    return f"{events:032x} {canonical_decimal(cost_usd)} {tokens}"


def undo_import(database: Database, import_id: str) -> None:
    """Delete an import and all its records; a large one takes up to a minute."""
    database.call("delete_source", import_id=import_id)


def _start_import(database: Database, parsed: Parsed, file: ImportFile, digest: str, metadata: Row) -> str:
    """The id of a new import."""
    started = database.insert(
        "imports",
        {
            "filename": file.filename[-MAX_FILENAME:] or "upload.csv",
            "format": file.format_name,
            "file_sha256": digest,
            "rows_read": parsed.rows_read,
            "metadata": metadata,
        },
    )
    return str(started["id"])


def _save_parsed(
    database: Database, parsed: Parsed, stored: Set[int], import_id: str, on_progress: Progress
) -> ImportResult:
    """Send several batches at once: the server parses one while it inserts another."""
    added = new_records = restated = 0
    done = already_there = sum(len(parsed.lines[place]) for place in stored)
    rejected = list(parsed.rejected)
    rows = parsed.rows_read - len(parsed.rejected)
    on_progress(done, rows, "")
    sender = _Sender(database, import_id)
    with ThreadPoolExecutor(database.workers) as workers:
        batches = list(_batches(parsed, stored))
        answers = workers.map(sender.send, batches)
        for batch, saved in zip(batches, answers, strict=True):
            added += saved.inserted * batch.rows_each
            new_records += saved.inserted
            already_there += saved.duplicate * batch.rows_each
            restated += saved.restated * batch.rows_each
            for index, reason in saved.rejected:
                rejected += [Rejected(line, reason, "") for line in parsed.lines[batch.places[index]]]
            done += len(batch.records) * batch.rows_each
            on_progress(done, rows, "")
    rejected.sort(key=lambda row: row.line)
    return ImportResult(
        import_id, parsed.rows_read, added, new_records, already_there, restated, tuple(rejected)
    )


def _find_excluded(database: Database, digest: str, signature: str) -> str:
    """The id of an earlier import of the same file that is excluded from totals; empty without one."""
    known = {"file_sha256": digest, "status": "done", "user_id": database.scope.user_id}
    earlier = database.select(Query("imports", "id,is_enabled,metadata", ["created_at", "id"], known))
    return next(
        (
            str(source["id"])
            for source in earlier
            if not source["is_enabled"] and source["metadata"].get("signature") == signature
        ),
        "",
    )


def _report_stored(parsed: Parsed, import_id: str, on_progress: Progress) -> ImportResult:
    rows = parsed.rows_read - len(parsed.rejected)
    on_progress(rows, rows, "")
    return ImportResult(import_id, parsed.rows_read, 0, 0, rows, 0, tuple(parsed.rejected))


def _batches(parsed: Parsed, stored: Set[int]) -> Iterator[_Batch]:
    """Batches of what is not stored, in order of time: the database compares each with its own period only.

    Bills are also cut by months: they make the estimates of their days ineffective, many in a year.
    """
    records = parsed.records
    has_bills = any(record.billing_account and record.cost_basis == "billed" for record in records)
    places_by_rows: dict[tuple[int, str], list[int]] = defaultdict(list)
    unknown = [place for place in range(len(records)) if place not in stored]
    for place in sorted(unknown, key=lambda place: records[place].timestamp):
        month = f"{records[place].timestamp:%Y-%m}" if has_bills else ""
        places_by_rows[len(parsed.lines[place]), month].append(place)
    for (rows_each, _), places in places_by_rows.items():
        for start in range(0, len(places), BATCH):
            chosen = places[start : start + BATCH]
            yield _Batch(chosen, [records[place] for place in chosen], rows_each)


def _outcome(result: ImportResult) -> Row:
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
    """Mark the import as failed if the database answers; without an end it is given up after an hour."""
    with suppress(DatabaseError):
        database.update(
            "imports", import_id, {"status": "failed", "finished_at": datetime.now(UTC).isoformat()}
        )
    return SaveInterrupted(
        f"{error} The import stopped partway. Import the same file again to finish it: "
        "rows that are already saved will not be added twice."
    )
