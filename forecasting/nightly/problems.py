"""Failures of single workspaces, told to their own people and to the operator; they end no other's step."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg import errors

from forecasting.nightly import job_runs
from forecasting.nightly.database import Connection, bounded_transaction, first_line
from forecasting.nightly.workspaces import Workspace
from tally.core.text import printable

Result = TypeVar("Result")

# Steps of a workspace, as its people read what failed.
RENEWALS = "The renewals of subscriptions could not be added"
SYNC = "The connections could not be synced"
FOLD = "The newest days could not be added up"
FORECAST = "No new forecast could be made"
BUDGETS = "No new forecast of budgets could be made"
ACTUALS = "Earlier forecasts could not be compared with what was spent"
DELETION = "Old predictions could not be deleted"
RECORD = "The steps of the run could not be stored"
ANOMALIES = "Unusual days could not be looked for"
ALERTS = "Alerts could not be looked for"
TRACES = "Old traces could not be deleted"
ADVICE = "Advice could not be looked for"
SAVINGS = "Savings could not be measured"
ARCHIVE = "Old records could not be archived"
FOCUS = "Costs could not be exported as FOCUS"
EXPERIMENTS = "Runs of an experiment could not be gathered"

TOO_LARGE = "a number is larger than Tally can add up. Find it on the Records page, and correct or delete it"
REFUSED = "a value is outside of what Tally can store. Find it on the Records page, and correct or delete it"
BUSY = "other changes kept it waiting. The next run tries again"
TOO_SLOW = "it took longer than one account may take. The next run tries again"
UNEXPECTED = "something unexpected went wrong. The log of the nightly run names it; the next run tries again"

REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((errors.NumericValueOutOfRange, ArithmeticError), TOO_LARGE),
    ((errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure), BUSY),
    ((errors.QueryCanceled,), TOO_SLOW),
    ((psycopg.DataError, psycopg.IntegrityError, ValueError), REFUSED),
)


class Problems:
    """The failures of a run by workspace."""

    def __init__(self, connection: Connection, run_id: UUID) -> None:
        self.connection = connection
        self.run_id = run_id
        self.lines: list[str] = []  # for the operator
        self.workspaces: set[UUID] = set()

    def attempt(
        self, workspace: Workspace, step: str, action: Callable[[], Result], is_atomic: bool = True
    ) -> Result | None:
        """Return an action's result, or None if it failed: what it changed is undone, the reason noted.

        Raises when the connection was lost. An action that is not atomic commits by itself.
        """
        try:
            with bounded_transaction(self.connection) if is_atomic else nullcontext():
                return action()
        except Exception as error:
            self.note(workspace, step, error)
            return None

    def note(self, workspace: Workspace, step: str, error: Exception) -> None:
        """Note the failure of a step; raises it when the connection was lost."""
        if self.connection.closed:
            raise error
        self.add(workspace, f"{step}: {explain(error)}.", f"{step} ({workspace.id}): {describe(error)}.")

    def add(self, workspace: Workspace, sentence: str, line: str) -> None:
        """Store a sentence with the workspace's run, and print a line for the operator.

        Of a workspace that has been deleted since the run started, nothing is noted.
        """
        try:
            if not job_runs.add_to_workspace(self.connection, self.run_id, workspace, [], sentence):
                return
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            line = f"{line} It could not be stored: {first_line(error)}."
        self.workspaces.add(workspace.id)
        self.tell(line)

    def tell(self, line: str) -> None:
        """Print a line for the operator alone: of what belongs to no workspace any more."""
        self.lines.append(printable(line))
        print(printable(line), file=sys.stderr)


def explain(error: Exception) -> str:
    """The reason in words for the workspace's people: without ids, statements and names of tables."""
    return next((reason for types, reason in REASONS if isinstance(error, types)), UNEXPECTED)


def describe(error: Exception) -> str:
    """The reason for the operator."""
    return (
        first_line(error)
        if isinstance(error, psycopg.Error)
        else f"{type(error).__name__}: {error}".rstrip(".")
    )
