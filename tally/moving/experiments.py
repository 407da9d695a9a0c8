"""Experiments with their variants, runs and scores, each whole."""

from collections import defaultdict
from typing import Any

from tally.moving.belongings import OTHER_PERSON
from tally.moving.experiment_tables import EXPERIMENTS, RUNS, SCORES, VARIANTS
from tally.moving.table import PERSON, Row, Table
from tally.moving.target import Target, attempt, origins, remember_origin
from tally.storage.database import Query, select_all

NOT_ADDED = "Their experiment was not added."
Children = dict[str, dict[str, list[Row]]]  # rows by table and experiment


def bring_experiments(target: Target) -> None:
    """Add the experiments that the workspace lacks."""
    counts, children = target.count(EXPERIMENTS), _group(target)
    existing = list(select_all(target.database, Query(EXPERIMENTS.name, "id,metadata", ["id"])))
    for row in target.file.rows(EXPERIMENTS):
        parts = {name: rows[row["id"]] for name, rows in children.items()}
        if any(origins(one) & origins(row) for one in existing):
            counts.find()
            _count(target, parts, None)
            continue
        details = target.moved(row) | _describe_parts(parts) | {"metadata": remember_origin(row)}
        is_added = attempt(
            counts, lambda given=details: target.database.call("bring_experiment", details=given)
        )
        _count(target, parts, is_added)


def _group(target: Target) -> Children:
    """Rows by experiment. A person's scores are theirs alone: those of others stay behind."""
    children: Children = {table.name: defaultdict(list) for table in (VARIANTS, RUNS, SCORES)}
    for table in (VARIANTS, RUNS):
        for row in target.file.rows(table):
            children[table.name][row["experiment_id"]].append(row)
    runs = {run["id"]: run for rows in children[RUNS.name].values() for run in rows}
    for score in target.file.rows(SCORES):
        if target.is_own(score[PERSON]):
            run = runs[score["experiment_run_id"]]
            children[SCORES.name][run["experiment_id"]].append(score | {"session": run["session"]})
        else:
            target.count(SCORES).reject(OTHER_PERSON)
    return children


def _describe_parts(parts: dict[str, list[Row]]) -> dict[str, Any]:
    names = {variant["id"]: variant["name"] for variant in parts[VARIANTS.name]}
    return {
        "variants": [
            {name: variant[name] for name in ("name", "is_baseline", "match")}
            for variant in parts[VARIANTS.name]
        ],
        "runs": [
            {name: value for name, value in run.items() if value is not None}
            | {"variant": names[run["variant_id"]]}
            for run in parts[RUNS.name]
        ],
        "scores": [
            {name: score[name] for name in ("session", "name", "kind", "value")} | {"by": score["scored_by"]}
            for score in parts[SCORES.name]
        ],
    }


def _count(target: Target, parts: dict[str, list[Row]], is_added: bool | None) -> None:
    """Count what belongs to an experiment: with it, or as already there."""
    tables: tuple[Table, ...] = (VARIANTS, RUNS, SCORES)
    for table in tables:
        counts, rows = target.count(table), len(parts[table.name])
        if not rows:
            continue
        if is_added is None:
            counts.find(rows)
        elif is_added:
            counts.add(rows)
        else:
            counts.reject(NOT_ADDED, rows)
