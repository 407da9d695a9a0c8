"""Experiments: reading, and what people do with them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.auth.identity import User, database_of
from app.data.reading import cached, cached_as_is, data_version, forget_version
from tally.experiments import stored
from tally.experiments.evaluation import Evaluation, evaluate
from tally.experiments.experiment import Experiment
from tally.experiments.sent import SentRun
from tally.experiments.stored import Listed


def load_experiments(user: User) -> list[Listed]:
    """The experiments of the workspace, newest first."""
    return _experiments(user, data_version(user))


@cached
def _experiments(user: User, version: str) -> list[Listed]:  # noqa: ARG001
    return stored.list_experiments(database_of(user))


def load_experiment(user: User, experiment_id: str) -> tuple[Experiment, Evaluation]:
    """An experiment with its runs, and what they say."""
    return _experiment(user, experiment_id, data_version(user))


@cached_as_is
def _experiment(user: User, experiment_id: str, version: str) -> tuple[Experiment, Evaluation]:  # noqa: ARG001
    experiment = stored.load_experiment(database_of(user), experiment_id)
    return experiment, evaluate(experiment)


def save_experiment(user: User, details: Mapping[str, Any]) -> str:
    """Make an experiment, or change the one with the id of the details; returns its id."""
    experiment_id = stored.save_experiment(database_of(user), details)
    forget_version(user)
    return experiment_id


def gather_runs(user: User, experiment_id: str) -> None:
    """Gather its runs from the records."""
    stored.gather_runs(database_of(user), experiment_id)
    forget_version(user)


def bring_runs(user: User, experiment_id: str, runs: Sequence[SentRun]) -> Mapping[str, int]:
    """Save the runs of a file: all, or none."""
    saved = stored.save_runs(database_of(user), experiment_id, runs, "file")
    forget_version(user)
    return saved


def rate_run(user: User, experiment: Experiment, session: str, value: Decimal) -> None:
    """Keep the user's own score of a run."""
    stored.save_rating(database_of(user), experiment, session, value)
    forget_version(user)


def decide_experiment(user: User, experiment_id: str, variant: str, decision: Mapping[str, Any]) -> None:
    """Decide for a variant, with the numbers of the moment."""
    stored.decide(database_of(user), experiment_id, variant, decision)
    forget_version(user)


def move_experiment(user: User, experiment_id: str, status: str) -> None:
    """Start it, archive it, or take it back."""
    stored.move(database_of(user), experiment_id, status)
    forget_version(user)


def delete_experiment(user: User, experiment_id: str) -> None:
    """Delete it with its runs and scores."""
    stored.delete(database_of(user), experiment_id)
    forget_version(user)
