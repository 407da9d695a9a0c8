"""The settings of a running worker, which its tasks receive with their context."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from procrastinate import JobContext

from forecasting.jobs.debounce import Pace
from tally.local.home import Home

KEY = "surroundings"
USUAL = Pace()


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True)
class Surroundings:
    """Database, folder and console of a worker; without a folder it is a service of a hosted project."""

    database_url: str
    home: Home | None = None
    makes_backups: bool = False
    notify: Callable[[str], None] = print  # an event that the operator should know about
    pace: Pace = USUAL
    started_at: datetime = field(default_factory=_now)
    # Until when a program that failed waits, by name; a worker that was started again tries at once.
    retry_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of programs that the worker starts."""
        return {**os.environ, "DATABASE_URL": self.database_url}


def surroundings_of(context: JobContext) -> Surroundings:
    """The surroundings of a task declared with `pass_context=True`."""
    found: Surroundings = context.additional_context[KEY]
    return found
