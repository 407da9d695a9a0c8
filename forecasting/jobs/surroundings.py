"""The settings of a running worker, which its tasks receive with their context."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from procrastinate import JobContext

from tally.local.home import Home

KEY = "surroundings"


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Database, folder and console of a worker; without a folder it is a service of a hosted project."""

    database_url: str
    home: Home | None = None
    makes_backups: bool = False
    notify: Callable[[str], None] = print  # an event that the operator should know about
    check_seconds: float = 5.0  # between looks at what has changed
    started_at: datetime = field(default_factory=_now)


def surroundings_of(context: JobContext) -> Surroundings:
    """The surroundings of a task declared with `pass_context=True`."""
    found: Surroundings = context.additional_context[KEY]
    return found
