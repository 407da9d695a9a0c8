"""Workspaces and the user's roles in them, as `list_workspaces` returns them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

# The parameter of addresses, and the session key of the field that is bound to it.
WORKSPACE = "workspace"

Role = Literal["owner", "admin", "member", "viewer"]
PersonSplit = Literal["own", "admins", "everyone"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace, and the user's role in it.

    Pages take the time zone and the currency from `data.load_preferences`: those of a personal workspace are
    its user's.
    """

    workspace_id: str
    role: Role
    name: str = ""
    timezone: str = "UTC"
    currency: str = "USD"
    person_split: PersonSplit = "admins"
    is_personal: bool = False

    @property
    def may_write(self) -> bool:
        """True for everyone but viewers."""
        return self.role != "viewer"

    @property
    def may_administer(self) -> bool:
        """True for owners and admins."""
        return self.role in ("owner", "admin")

    @property
    def shows_others(self) -> bool:
        """True where the user sees the records and sources of other members, too."""
        return self.may_administer or self.person_split == "everyone"


def personal_workspace(user_id: str) -> Workspace:
    """The user's own workspace, which nobody else can join; it has the user's id."""
    return Workspace(user_id, "owner", "Personal", is_personal=True)


def parse_workspace(row: dict[str, Any]) -> Workspace:
    """One entry of `list_workspaces`."""
    return Workspace(
        workspace_id=row["id"],
        role=row["role"],
        name=row["name"],
        timezone=row["timezone"],
        currency=row["currency"],
        person_split=row["person_split"],
        is_personal=row["is_personal"],
    )


def find_workspace(workspaces: Sequence[Workspace], wanted: str) -> Workspace | None:
    """The workspace with this id, which comes from an address; None if the user is not a member of it."""
    return next((workspace for workspace in workspaces if workspace.workspace_id == wanted.lower()), None)
