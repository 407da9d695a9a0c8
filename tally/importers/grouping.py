"""Grouping of exports: usage that is exported with two groupings would count twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeAlias

from tally.core.records import NO_MODEL, CostRecord
from tally.importers import Parsed
from tally.ledger.billing_account import ID_SIGN, account_day
from tally.storage.database import Database, DatabaseError, Query, Row, select_all

# Dimensions that a user can group OpenAI's exports by, and their names in messages. Other columns cannot be
# chosen, and other providers always group their exports the same way.
GROUPED_BY_CHOICE = "openai"
CHOSEN = {
    "project_id": "project",
    "user_id": "user",
    "api_key_id": "API key",
    "model": "model",
    "line_item": "line item",
}
DAY_SECONDS = 86_400

Scope: TypeAlias = str  # billing account, and organisation where there is one
Grouping: TypeAlias = str  # such as "project, model"
# scope -> grouping -> periods of days, such as "2026-11-01/2026-11-30"
Breakdown: TypeAlias = dict[Scope, dict[Grouping, list[str]]]


class OverlapRefused(DatabaseError):
    """Days of a file have been imported already with another grouping."""


def read_breakdown(parsed: Parsed) -> Breakdown:
    """The grouping of each day of a provider's export, in the form that is stored with an import."""
    chosen = [column for column in CHOSEN if column in parsed.grouping]
    groupings: dict[tuple[Scope, date], set[str]] = defaultdict(set)
    for record in parsed.records:
        if record.provider == GROUPED_BY_CHOICE and (known := account_day(record)):
            account, day = known
            named = account.partition(f":{ID_SIGN}")[0]  # the organisation is named once
            scope = " ".join([named, str(record.metadata.get("organization_id", ""))]).strip()
            groupings[scope, day].update(_grouped_by(record, chosen))
    days: dict[Scope, dict[Grouping, list[date]]] = defaultdict(lambda: defaultdict(list))
    for (scope, day), names in groupings.items():
        days[scope][", ".join(sorted(names)) or "nothing"].append(day)
    return {
        scope: {grouping: list(_periods(found)) for grouping, found in by_grouping.items()}
        for scope, by_grouping in days.items()
    }


def refuse_overlap(database: Database, breakdown: Breakdown, filename: str, format_name: str) -> None:
    """Raise OverlapRefused if an earlier import covers days of this file with another grouping."""
    if not breakdown:
        return
    columns = "id,filename,created_at,metadata"
    same_format = Query("imports", columns, ["created_at", "id"], {"format": format_name})
    for earlier in select_all(database, same_format):
        _refuse_beside(earlier, breakdown, filename)


def _refuse_beside(earlier: Row, breakdown: Breakdown, filename: str) -> None:
    stored: Breakdown = earlier["metadata"].get("breakdown", {})
    for scope, by_grouping in breakdown.items():
        for grouping, periods in by_grouping.items():
            for other, covered in stored.get(scope, {}).items():
                if other != grouping and (shared := _first_shared(periods, covered)):
                    raise OverlapRefused(
                        f"{filename} has {shared} grouped by {grouping}. {earlier['filename']}, imported on "
                        f"{earlier['created_at'][:10]}, has that day grouped by {other}, so its usage would "
                        "count twice. Undo that import first, or export this file again with the same "
                        "grouping."
                    )


def _grouped_by(record: CostRecord, chosen: Sequence[str]) -> Iterator[str]:
    for column in chosen:
        # A dimension that equals the model's name is not stored in the metadata.
        if column in record.metadata or (column == "model" and record.model_name != NO_MODEL):
            yield CHOSEN[column]
    seconds = record.metadata.get("bucket_seconds")
    if isinstance(seconds, int) and seconds != DAY_SECONDS:
        yield f"{seconds} seconds"


def _periods(days: Sequence[date]) -> Iterator[str]:
    ordered = sorted(days)
    first = ordered[0]
    for day, following in pairwise([*ordered, None]):
        if day is not None and following != day + timedelta(days=1):
            yield f"{first}/{day}"
            first = following or day


def _first_shared(periods: Sequence[str], others: Sequence[str]) -> str:
    """The first day in both, empty where they share none."""
    shared = []
    for period in periods:
        first, last = period.split("/")
        for other in others:
            other_first, other_last = other.split("/")
            if max(first, other_first) <= min(last, other_last):
                shared.append(max(first, other_first))
    return min(shared, default="")
