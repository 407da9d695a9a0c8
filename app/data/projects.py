"""Projects of a workspace, and costs split by project or person."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from app.auth.identity import User
from app.data.daily_costs import parse_daily
from app.data.preferences import load_currency
from app.data.reading import cached, call, data_version
from app.figures.currencies import Currency, convert_daily
from tally.storage.unnamed import UNASSIGNED

Split = Literal["project", "person"]


@dataclass(frozen=True, slots=True)
class Project:
    """A project that the user may see; `members` are the users who see a private one besides admins."""

    project_id: str
    name: str
    slug: str
    is_private: bool = False
    is_archived: bool = False
    members: tuple[str, ...] = ()


def load_projects(user: User) -> list[Project]:
    """The projects that the user may see, by name, archived ones last."""
    return _projects(user, data_version(user))


@cached
def _projects(user: User, version: str) -> list[Project]:  # noqa: ARG001
    return [
        Project(
            project_id=row["id"],
            name=row["name"],
            slug=row["slug"],
            is_private=row["is_private"],
            is_archived=row["archived_at"] is not None,
            members=tuple(row["members"]),
        )
        for row in call(user, "list_projects")
    ]


def load_projects_with_costs(user: User) -> list[Project]:
    """The projects that costs can be filtered by: active ones, and archived ones that have costs."""
    projects = load_projects(user)
    if not any(project.is_archived for project in projects):
        return projects
    used = set(load_split(user, "project", None, None)["part"])
    return [project for project in projects if not project.is_archived or project.project_id in used]


def load_split(
    user: User, split: Split, first: date | None, last: date | None, project: str | None = None
) -> pd.DataFrame:
    """Daily costs as `load_daily` has them, with the id of a project or user in the column `part`.

    Costs without a project have UNASSIGNED there, those of hidden projects OTHER_PROJECTS, and those of
    people whom the user may not tell apart OTHER_PEOPLE.
    """
    return _split(user, data_version(user), (split, first, last, project), load_currency(user))


@cached
def _split(
    user: User,
    version: str,  # noqa: ARG001
    asked: tuple[Split, date | None, date | None, str | None],
    currency: Currency,
) -> pd.DataFrame:
    split, first, last, project = asked
    params = {"from_date": first and first.isoformat(), "to_date": last and last.isoformat()}
    columns = call(user, "daily_costs", **params, split=split, project=project)
    parts = pd.Series(columns[split], dtype=object).fillna(UNASSIGNED)
    return convert_daily(parse_daily(columns).assign(part=parts), currency)
