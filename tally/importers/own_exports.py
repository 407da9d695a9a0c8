"""Rows of Tally's own export whose records the account still has."""

from collections.abc import Sequence

from tally.core.records import JSON
from tally.importers.protocol import Parsed
from tally.ledger.save import BATCH
from tally.storage.database import Database


def find_stored(database: Database, parsed: Parsed) -> set[int]:
    """Places of the parsed records that the account has, in totals or not."""
    places = [place for place, record in enumerate(parsed.records) if record.source_key in parsed.exported]
    # In order of time, so that the database compares each batch with its own period only.
    places.sort(key=lambda place: parsed.records[place].timestamp)
    stored: set[int] = set()
    for start in range(0, len(places), BATCH):
        batch = places[start : start + BATCH]
        answer: Sequence[int] = database.call("find_exported", records=[_describe(parsed, p) for p in batch])
        stored |= {batch[index] for index in answer}
    return stored


def _describe(parsed: Parsed, place: int) -> JSON:
    record = parsed.records[place]
    was = parsed.exported[record.source_key]
    return {
        "id": str(was.record_id),
        "source_key": None if was.source_key is None else str(was.source_key),
        "timestamp": record.timestamp.isoformat(),
    }
