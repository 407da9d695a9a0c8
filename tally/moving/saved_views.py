"""The account's saved views of Explore. Their filters name projects, sources and people by their ids.

In the file, people are named by their email addresses, as everywhere in it. A view is not brought without all
of a filter: it would tell of more than it did.
"""

from collections.abc import Mapping
from uuid import UUID

from tally.core.text import plural
from tally.moving.tables import PROJECTS, SOURCES, Row
from tally.moving.target import Target, attempt
from tally.moving.view_tables import VIEWS, change_filters, list_filters, normalize
from tally.storage.database import Database

PERSON_FILTER = "person"
TABLES_BY_FILTER = {"project": PROJECTS, "source": SOURCES}
WORDS = {"project": "projects", "source": "sources", PERSON_FILTER: "people"}
ANOTHER = "Another view has this name here."


def load_views(database: Database, people: Mapping[str, str]) -> list[Row]:
    """The account's views; `people` are email addresses by id."""

    def name_person(dimension: str, value: str) -> str:
        return people.get(value, value) if dimension == PERSON_FILTER else value

    return [
        {"name": view["name"], "query": change_filters(view["query"], name_person)}
        for view in database.call("list_views")
    ]


def bring_views(target: Target) -> None:
    """Save the views that the account lacks, with the ids of this workspace in their filters."""
    counts, database = target.count(VIEWS), target.database
    stored = {view["name"]: normalize(view["query"]) for view in database.call("list_views")}
    people = {row["email"].casefold(): row["user_id"] for row in database.call("list_people")}
    for row in target.file.rows(VIEWS):
        query, lost = _move(target, row["query"], people)
        gone = sorted((list_filters(row["query"]) - list_filters(query)) & WORDS.keys())
        if gone:
            what = " and ".join(WORDS[name] for name in gone)
            counts.reject(f"“{row['name']}” filters by {what} that this workspace lacks. Save it again here.")
        elif row["name"] not in stored:
            values = {"name": row["name"], "query": query}
            is_added = attempt(counts, lambda given=values: database.call("save_view", **given))
            if is_added and lost:
                target.notes.append(
                    f"The view “{row['name']}” is without {plural(lost, 'value')} of its filters that this "
                    "workspace lacks."
                )
        elif stored[row["name"]] == query:
            counts.find()
        else:
            counts.reject(ANOTHER)


def _move(target: Target, query: str, people: Mapping[str, str]) -> tuple[str, int]:
    """The query with new ids, and how many values of its filters have none."""
    lost = 0

    def place(dimension: str, value: str) -> str | None:
        nonlocal lost
        if dimension not in WORDS:
            return value
        found = _find(target, dimension, value, people)
        lost += found is None
        return found

    return change_filters(query, place), lost


def _find(target: Target, dimension: str, value: str, people: Mapping[str, str]) -> str | None:
    if dimension == PERSON_FILTER:
        return target.database.scope.user_id if target.is_own(value) else people.get(value.casefold())
    return target.ids[TABLES_BY_FILTER[dimension].name].get(_as_id(value))


def _as_id(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        return value
