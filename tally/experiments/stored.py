"""Experiments in the database: reading, saving, gathering, deciding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tally.experiments.experiment import Experiment, parse_experiment
from tally.experiments.sent import SentRun, SentRunScore, list_parameters
from tally.storage.database import Database, NotAllowed


@dataclass(frozen=True, slots=True)
class Listed:
    """An experiment in a list, with the runs of its variants by name."""

    id: str
    name: str
    question: str
    status: str
    project_id: str | None
    min_runs: int
    created_at: datetime
    decided_variant: str | None
    sentence: str
    runs: Mapping[str, int]


def list_experiments(database: Database) -> list[Listed]:
    """The experiments of the workspace that the account sees, newest first, archived ones last."""
    return [
        Listed(
            row["id"],
            row["name"],
            row["question"],
            row["status"],
            row["project_id"],
            row["min_runs"],
            datetime.fromisoformat(row["created_at"]),
            row["decided_variant"],
            row["sentence"] or "",
            {variant["name"]: variant["runs"] for variant in row["variants"] or ()},
        )
        for row in database.call("list_experiments")
    ]


def load_experiment(database: Database, experiment_id: str) -> Experiment:
    """An experiment with its runs."""
    return parse_experiment(database.call("read_experiment", experiment=experiment_id))


def load_current_experiment(database: Database, experiment_id: str) -> Experiment:
    """An experiment with the runs that the records make now; a viewer gets those that were gathered last."""
    experiment = load_experiment(database, experiment_id)
    if not experiment.is_gathered:
        return experiment
    try:
        gather_runs(database, experiment_id)
    except NotAllowed:
        return experiment
    return load_experiment(database, experiment_id)


def save_experiment(database: Database, details: Mapping[str, Any]) -> str:
    """Make an experiment, or change the one with the id of `details`; returns its id."""
    return str(database.call("save_experiment", details=dict(details)))


def gather_runs(database: Database, experiment_id: str) -> Mapping[str, Any]:
    """Gather runs from the records: how many were found, left out, and without a session."""
    gathered: Mapping[str, Any] = database.call("gather_runs", experiment=experiment_id)
    return gathered


def save_runs(database: Database, experiment: str, runs: Sequence[SentRun], source: str) -> Mapping[str, int]:
    """Bring runs with their scores to an experiment, by its name or id: all, or none."""
    saved: Mapping[str, int] = database.call(
        "save_runs", experiment=experiment, source=source, **list_parameters(runs)
    )
    return saved


def save_scores(database: Database, experiment: str, scores: Sequence[SentRunScore]) -> int:
    """Keep scores of an experiment's runs, by its name or id: all, or none."""
    listed = [score.model_dump(mode="json") for score in scores]
    return int(database.call("save_scores", experiment=experiment, scores=listed))


def save_rating(database: Database, experiment: Experiment, session: str, value: Decimal) -> None:
    """Keep the account's own score of a run."""
    score = {
        "session": session,
        "name": experiment.primary_score,
        "kind": experiment.score_kind,
        "value": str(value),
        "by": "human",
    }
    database.call("save_scores", experiment=experiment.id, scores=[score])


def decide(database: Database, experiment_id: str, variant: str, decision: Mapping[str, Any]) -> None:
    """Decide for a variant, with the numbers of the moment."""
    database.call("decide_experiment", experiment=experiment_id, variant=variant, decision=dict(decision))


def move(database: Database, experiment_id: str, status: str) -> None:
    """Start an experiment, archive it, or take it back."""
    database.call("move_experiment", experiment=experiment_id, status=status)


def delete(database: Database, experiment_id: str) -> None:
    """Delete an experiment with its runs and scores."""
    database.call("delete_experiment", experiment=experiment_id)
