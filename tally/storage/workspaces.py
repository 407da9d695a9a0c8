"""Workspaces of an account, and their projects: listed, and found by name or id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tally.core.errors import TallyError
from tally.storage.database import Database, Query, select_first

SHOWN_NAMES = 20  # in a sentence

Named = TypeVar("Named", "Workspace", "Project")


class UnknownName(TallyError):
    """No workspace or project has this name or id, or several have the name."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace, and the account's role in it."""

    id: str
    name: str
    role: str
    is_personal: bool
    timezone: str
    currency: str
    members: int


@dataclass(frozen=True, slots=True)
class Project:
    """A project that records can be filed under."""

    id: str
    name: str


def load_timezone(database: Database) -> str:
    """Time zone of the workspace, which its days begin in."""
    query = Query("workspaces", "id,timezone", ["id"], {"id": database.scope.workspace_id})
    workspace = select_first(database, query)
    return str(workspace["timezone"]) if workspace else "UTC"


def list_workspaces(database: Database) -> list[Workspace]:
    """The account's workspaces: the personal one, then the others by name."""
    rows: list[dict[str, Any]] = database.call("list_workspaces")
    return [Workspace(**{name: row[name] for name in Workspace.__slots__}) for row in rows]


def list_projects(database: Database) -> list[Project]:
    """The workspace's projects that are not archived, by name."""
    rows: list[dict[str, Any]] = database.call("list_projects")
    return [Project(row["id"], row["name"]) for row in rows if row["archived_at"] is None]


def find_workspace(workspaces: Sequence[Workspace], asked: str) -> Workspace:
    """The workspace with this name or id; raises UnknownName with the names there are."""
    return _find(workspaces, asked, "workspace", lambda names: f"Yours are: {names}.")


def find_project(projects: Sequence[Project], asked: str) -> Project:
    """The project with this name or id; raises UnknownName with the names there are."""
    return _find(projects, asked, "project", lambda names: f"This workspace has: {names or 'none'}.")


def _find(candidates: Sequence[Named], asked: str, kind: str, describe: Callable[[str], str]) -> Named:
    wanted = asked.strip().casefold()
    for candidate in candidates:
        if candidate.id == wanted:
            return candidate
    found = [candidate for candidate in candidates if candidate.name.casefold() == wanted]
    if len(found) > 1:
        ids = ", ".join(candidate.id for candidate in found)
        raise UnknownName(
            f"There are {len(found)} {kind}s named “{asked}”. Use the id of one of them: {ids}."
        )
    if not found:
        raise UnknownName(f"There is no {kind} “{asked}”. {describe(_join_names(candidates))}")
    return found[0]


def _join_names(candidates: Sequence[Named]) -> str:
    names = [candidate.name for candidate in candidates]
    hidden = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {hidden:,} more" if hidden > 0 else "")
