"""Steps of a nightly run, timed, with their errors."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import psycopg

from forecasting.nightly.database import Connection, first_line


class StepLog:
    """Entries for job_runs.steps, and the errors that make the run fail.

    A step that the database refuses gets an entry with an error; a lost connection ends the run.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.steps: list[dict[str, Any]] = []
        self.errors: list[str] = []

    def execute(self, name: str, statement: str) -> bool:
        """Execute a statement and log its first value, if any, as the step's count; false when it failed."""

        def count() -> int | None:
            cursor = self.connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return int(row[0]) if row else None

        return self.run(name, count)

    def run(self, name: str, step: Callable[[], int | None]) -> bool:
        """Run a step that returns its count; false when it failed."""
        started = monotonic()
        count: int | None = None
        error: str | None = None
        try:
            count = step()
        except psycopg.Error as problem:
            error = self.reason(problem)
            self.errors.append(f"The step “{name}” failed: {error}.")
        self.add(name, started, count, error)
        return error is None

    def add(self, name: str, started: float, count: int | None, error: str | None, **details: object) -> None:
        """Add the entry of a step; `started` is a value of `monotonic()`."""
        seconds = round(monotonic() - started, 3)
        self.steps.append({"step": name, "count": count, "seconds": seconds, "error": error, **details})

    def reason(self, problem: psycopg.Error) -> str:
        """The database's reason for refusing; raises when the connection was lost."""
        if self.connection.closed:
            raise problem
        return first_line(problem)
