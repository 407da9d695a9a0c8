"""Projects that an imported file names and that nothing in the workspace files its records under."""

from collections.abc import Mapping, Sequence
from itertools import islice

from tally.core.records import JSON
from tally.importers.protocol import Parsed
from tally.storage.database import Database, Query, select_pages

MOST_PAGES = 10  # of the records that are read to see where they are
SHOWN_NAMES = 5


def find_unfiled(database: Database, parsed: Parsed, import_id: str) -> tuple[str, ...]:
    """Names of projects in a file's saved records that are unassigned, for whoever saved them."""
    records = (record for record in parsed.records if not record.project_id)
    names = {name for record in records if (name := read_name(record.metadata))}
    if not names or not import_id:
        return ()
    unassigned = Query("cost_records", "id,metadata", ["id"], {"import_id": import_id, "project_id": None})
    found: set[str] = set()
    for page in islice(select_pages(database, unassigned), MOST_PAGES):
        found |= names & {read_name(row["metadata"]) for row in page}
        if found == names:
            break
    return tuple(sorted(found))


def read_name(metadata: Mapping[str, JSON]) -> str:
    """The project that a record names, as rules read it: its folder where it names none."""
    named = (metadata.get(key) for key in ("project", "folder"))
    return next((name for name in named if isinstance(name, str) and name), "")


def describe_unfiled(names: Sequence[str]) -> str:
    """A sentence about these names, and what to do; empty without any."""
    if not names:
        return ""
    records = "records that name it" if len(names) == 1 else "records that name them"
    return (
        f"No rule knows {list_names(names)}: {records} are unassigned. Make rules for projects in Settings."
    )


def list_names(names: Sequence[str]) -> str:
    """Names in a sentence, the first few."""
    listed = ", ".join(f"“{name}”" for name in names[:SHOWN_NAMES])
    return f"{listed} and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else listed
