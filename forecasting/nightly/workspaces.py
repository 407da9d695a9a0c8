"""Workspaces, each with its local date."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from forecasting.nightly.database import Connection

# Forecasts are switched off in the settings of a user, which concern the personal workspace.
WORKSPACES = """
select
    w.id,
    coalesce(%(as_of)s, (now() at time zone w.timezone)::date),
    coalesce(p.forecast_enabled, true)
from public.workspaces as w
left join public.user_preferences as p on w.personal_user_id = p.user_id
where %(only)s::uuid is null or w.id = %(only)s
order by w.id"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace to forecast; `today`, in its own time zone, is the first day to predict."""

    id: UUID
    today: date
    forecast_enabled: bool

    @property
    def last_day(self) -> date:
        """The last complete day, where training data and spend so far end."""
        return self.today - timedelta(days=1)


def load_workspaces(connection: Connection, as_of: date | None) -> list[Workspace]:
    """All workspaces; `as_of` replaces their local today."""
    return [Workspace(*row) for row in connection.execute(WORKSPACES, {"as_of": as_of, "only": None})]


def load_workspace(connection: Connection, workspace_id: UUID) -> Workspace | None:
    """One workspace; None if it was deleted."""
    row = connection.execute(WORKSPACES, {"as_of": None, "only": workspace_id}).fetchone()
    return Workspace(*row) if row else None
