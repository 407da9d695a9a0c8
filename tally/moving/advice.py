"""Advice with what was decided about it. What it is about has other ids where it arrives."""

from collections.abc import Mapping

from tally.moving.advice_table import ADVICE
from tally.moving.experiment_tables import EXPERIMENTS
from tally.moving.table import Row
from tally.moving.tables import PROJECTS, SUBSCRIPTIONS
from tally.moving.target import Target, origins
from tally.storage.database import DatabaseError, NotAllowed, Query, SignedOut, Unreachable, select_all

ABOUT_KEYS = "Keys are not in the export. The next nightly run looks at those that are here."
NOT_HERE = "What it is about was not moved."

Ids = Mapping[str, Mapping[str, str]]  # by the name in a subject and the former id


def bring_advice(target: Target) -> None:
    """Add the advice that the workspace lacks, after everything that it may be about."""
    counts, ids = target.count(ADVICE), _list_ids(target)
    for row in target.file.rows(ADVICE):
        if "key_id" in row["subject"]:
            counts.reject(ABOUT_KEYS)
            continue
        subject = _move(row["subject"], ids)
        if subject is None:
            counts.reject(NOT_HERE)
            continue
        try:
            is_new = target.database.call("bring_advice", details=target.moved(row) | {"subject": subject})
        except (Unreachable, SignedOut, NotAllowed):
            raise
        except DatabaseError as refused:
            counts.reject(str(refused))
        else:
            (counts.add if is_new else counts.find)()


def _list_ids(target: Target) -> Ids:
    experiments = {
        former: one["id"]
        for one in select_all(target.database, Query(EXPERIMENTS.name, "id,metadata", ["id"]))
        for former in origins(one)
    }
    return {
        "project_id": target.ids.get(PROJECTS.name, {}),
        "subscription_id": target.ids.get(SUBSCRIPTIONS.name, {}),
        "experiment_id": experiments,
    }


def _move(subject: Row, ids: Ids) -> Row | None:
    """The subject with ids of this workspace; None where one has none."""
    moved = {name: ids[name].get(value) if name in ids else value for name, value in subject.items()}
    return None if None in moved.values() else moved
