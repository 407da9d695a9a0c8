"""Budgets with their thresholds."""

from tally.moving.belongings import OTHER_PERSON
from tally.moving.tables import BUDGETS, PERSON, PROVIDER, THRESHOLDS, Row
from tally.moving.target import Target, attempt, origins, remember_origin
from tally.storage.database import Query, select_all


def bring_budgets(target: Target) -> None:
    """Add the budgets that the workspace lacks, before their projects are archived."""
    counts, ids = target.count(BUDGETS), target.ids.setdefault(BUDGETS.name, {})
    existing = list(select_all(target.database, Query(BUDGETS.name, "id,metadata", ["id"])))
    for row in target.file.rows(BUDGETS):
        found = next((one for one in existing if origins(one) & origins(row)), None)
        if found is not None:
            ids[row["id"]] = found["id"]
            counts.find()
        elif not target.is_own(row[PERSON]):
            counts.reject(OTHER_PERSON)
        elif row[PROVIDER] is not None and row[PROVIDER] not in target.providers:
            counts.reject(f"This Tally does not know the provider “{row[PROVIDER]}”. Update it.")
        else:
            values = _describe(target, row)
            if attempt(counts, lambda given=values: target.database.insert(BUDGETS.name, given)):
                ids[row["id"]] = values["id"]
    _bring_thresholds(target)


def _describe(target: Target, row: Row) -> Row:
    values = {name: value for name, value in target.moved(row).items() if name not in (PERSON, PROVIDER)}
    return values | {
        "id": target.new_id(row["id"]),
        "provider_id": target.providers.get(row[PROVIDER] or ""),
        "user_id": target.database.scope.user_id if row[PERSON] else None,
        "metadata": remember_origin(row),
    }


def _bring_thresholds(target: Target) -> None:
    counts, ids = target.count(THRESHOLDS), target.ids[BUDGETS.name]
    stored = {
        (row["budget_id"], row["kind"], row["percent"])
        for row in select_all(target.database, Query(THRESHOLDS.name, THRESHOLDS.query, THRESHOLDS.order))
    }
    for row in target.file.rows(THRESHOLDS):
        budget_id = ids.get(row["budget_id"])
        if budget_id is None:
            counts.reject("Their budget was not added.")
        elif (budget_id, row["kind"], row["percent"]) in stored:
            counts.find()
        else:
            values = row | {"budget_id": budget_id}
            attempt(counts, lambda given=values: target.database.insert(THRESHOLDS.name, given))
