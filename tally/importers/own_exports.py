"""Tally's own export: rows whose records the account still has, and the projects of the others."""

from collections import Counter
from collections.abc import Sequence, Set

from tally.core.records import JSON, file_under
from tally.importers.named_projects import list_names
from tally.importers.protocol import Parsed
from tally.ledger.save import BATCH
from tally.storage.database import Database
from tally.storage.workspaces import list_projects


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


def find_projects(database: Database, parsed: Parsed, stored: Set[int]) -> tuple[str, ...]:
    """File the records that the account lacks under the projects that they name, where none was chosen.

    Returns the names that are not those of one active project of the workspace.
    """
    missing = [
        place
        for place, record in enumerate(parsed.records)
        if place not in stored and record.source_key in parsed.projects and not record.project_id
    ]
    if not missing:
        return ()
    projects = list_projects(database)
    times = Counter(project.name for project in projects)
    ids = {project.name: project.id for project in projects if times[project.name] == 1}
    unknown = set()
    for place in missing:
        name = parsed.projects[parsed.records[place].source_key]
        parsed.records[place] = file_under(parsed.records[place], ids.get(name))
        if name not in ids:
            unknown.add(name)
    return tuple(sorted(unknown))


def describe_unknown_projects(names: Sequence[str]) -> str:
    """A sentence about projects that an export names and the workspace lacks; empty without any."""
    if not names:
        return ""
    return f"This workspace has no project {list_names(names)}. Records of it were filed by your rules."


def _describe(parsed: Parsed, place: int) -> JSON:
    record = parsed.records[place]
    was = parsed.exported[record.source_key]
    return {
        "id": str(was.record_id),
        "source_key": None if was.source_key is None else str(was.source_key),
        "timestamp": record.timestamp.isoformat(),
    }
