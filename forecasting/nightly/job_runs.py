"""The record of nights in public.job_runs: one row for the night and one for each person's part in it.

`steps` is a list of objects, each with `step` and `count`. The night's have `seconds` and `error` too; a
person's are `forecast`, made by `Part.step`, and `score`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.nightly.store import Connection, Person

LONGEST_ERROR = 10_000
INTERRUPTED = "The night was interrupted before it ended."

Steps = Sequence[dict[str, Any]]

CLOSE_INTERRUPTED = """
update public.job_runs
set status = 'failed', finished_at = now(), error = %(error)s
where status = 'running'"""

OPEN_NIGHT = """
insert into public.job_runs (run_id, night)
values (%(run_id)s, coalesce(%(as_of)s, (now() at time zone 'UTC')::date))"""

CLOSE_NIGHT = """
update public.job_runs
set status = %(status)s, finished_at = clock_timestamp(), steps = %(steps)s, error = %(error)s
where run_id = %(run_id)s and user_id is null"""

ADD_PERSON = """
insert into public.job_runs (run_id, user_id, night, status, finished_at, steps, error)
values (%(run_id)s, %(user_id)s, %(night)s, %(status)s, clock_timestamp(), %(steps)s, %(error)s)"""


def open_night(connection: Connection, run_id: UUID, as_of: date | None) -> None:
    """Begin a night. No other is at work under the lock, so one still marked as running was killed."""
    connection.execute(CLOSE_INTERRUPTED, {"error": INTERRUPTED})
    connection.execute(OPEN_NIGHT, {"run_id": run_id, "as_of": as_of})


def close_night(connection: Connection, run_id: UUID, steps: Steps, error: str | None) -> None:
    """End a night: done, or failed with a sentence that says what failed."""
    connection.execute(CLOSE_NIGHT, {"run_id": run_id, **_outcome(steps, error)})


def add_person(connection: Connection, run_id: UUID, person: Person, steps: Steps, error: str | None) -> None:
    """Add a person's part, which that person can read."""
    keys = {"run_id": run_id, "user_id": person.user_id, "night": person.today}
    connection.execute(ADD_PERSON, {**keys, **_outcome(steps, error)})


def _outcome(steps: Steps, error: str | None) -> dict[str, Any]:
    return {
        "status": "failed" if error else "done",
        "steps": Jsonb(list(steps)),
        "error": error and error[:LONGEST_ERROR],
    }
