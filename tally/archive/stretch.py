"""Stretches of a workspace's days, and the rows that tell of their archives."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from tally.archive.connection import Connection
from tally.archive.problems import ArchiveProblem

ARCHIVES = """
select a.id, a.workspace_id, a.first_day, a.end_day, a.state, a.records, a.statements, a.bytes, a.manifest_sha256, a.problem,
    coalesce(w.name, '(deleted)'), a.archived_at, a.restored_at
from private.archives as a
left join public.workspaces as w on a.workspace_id = w.id
where (%(workspace)s::uuid is null or a.workspace_id = %(workspace)s)
    and (%(state)s::text is null or a.state = %(state)s)
order by coalesce(w.name, ''), a.workspace_id, a.first_day, a.created_at"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in UTC, all in one month, without `end_day`."""

    first_day: date
    end_day: date

    @classmethod
    def of_month(cls, month: str) -> "Stretch":
        """The month of a text such as 2026-03; raises ArchiveProblem for another."""
        try:
            first_day = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
        except ValueError:
            raise ArchiveProblem(f"{month} is no month such as 2026-03.") from None
        return cls(first_day, (first_day + timedelta(days=31)).replace(day=1))

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """The first instant, and the first after it."""
        first, end = (
            datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (self.first_day, self.end_day)
        )
        return first, end

    def holds(self, other: "Stretch") -> bool:
        """True if another one is a part of this."""
        return self.first_day <= other.first_day and other.end_day <= self.end_day

    def __str__(self) -> str:
        month = Stretch.of_month(f"{self.first_day:%Y-%m}")
        if self == month:
            return f"{self.first_day:%Y-%m}"
        last_day = self.end_day - timedelta(days=1)
        return f"{self.first_day}" if last_day == self.first_day else f"{self.first_day} to {last_day}"


@dataclass(frozen=True, slots=True)
class Archive:
    """A row of private.archives; `folder` is where its files are."""

    id: UUID
    workspace_id: UUID
    stretch: Stretch
    state: str
    records: int
    statements: int
    bytes: int
    manifest_sha256: str | None
    problem: str | None
    workspace: str
    archived_at: datetime | None
    restored_at: datetime | None

    @property
    def folder(self) -> str:
        """Below the archive's place: one for each attempt, so that none touches another's files."""
        return folder_of(self.workspace_id, self.stretch, self.id)


def folder_of(workspace_id: UUID, stretch: Stretch, archive_id: UUID) -> str:
    """The folder of an attempt."""
    return f"{workspace_id}/{stretch.first_day:%Y-%m}/{archive_id}"


def load_archives(
    connection: Connection, workspace_id: UUID | None = None, state: str | None = None
) -> list[Archive]:
    """The archives, of everyone or of one workspace, in one state or any."""
    rows = connection.execute(ARCHIVES, {"workspace": workspace_id, "state": state})
    return [_read(*row) for row in rows]


def _read(*row: Any) -> Archive:
    archive_id, workspace_id, first_day, end_day, *others = row
    return Archive(archive_id, workspace_id, Stretch(first_day, end_day), *others)
