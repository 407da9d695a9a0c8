"""Archived days of a workspace, and the setting that sends records there."""

from dataclasses import dataclass
from datetime import date

from app.auth.identity import User, database_of
from app.data.reading import cached_for_a_moment, call
from app.figures.archived import Days


@dataclass(frozen=True, slots=True)
class Archive:
    """Days in the archive, on their way there, or back."""

    days: Days
    state: str
    records: int
    bytes: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """For how many days records stay, what the next night archives, and what is there."""

    days: int | None
    due: list[Days]
    archives: list[Archive]


@cached_for_a_moment
def load_archived(user: User) -> list[Days]:
    """The archived days of the workspace."""
    return [_read_days(row) for row in call(user, "archived_stretches")]


def load_archive_state(user: User) -> ArchiveState:
    """The archive as admins see it, from no cache: the form shows what was just chosen."""
    found = call(user, "archive_state")
    return ArchiveState(
        found["days"],
        [_read_days(row) for row in found["due"]],
        [
            Archive(_read_days(row), row["state"], row["records"], row["bytes"], row["problem"])
            for row in found["archives"]
        ],
    )


def set_archive_days(user: User, days: int | None) -> None:
    """Choose for how many days records stay; raises DatabaseError."""
    database_of(user).call("set_archive_days", days=days)


def _read_days(row: dict[str, str]) -> Days:
    return Days(date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]))
