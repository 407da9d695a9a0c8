"""Changes of a workspace and its people; the database checks roles and logs them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app import data
from app.auth.identity import User, forget_workspaces, supabase_client
from app.data.reading import call
from tally.storage.postgrest import ask


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation just made; its token is known this once."""

    email: str
    token: str
    expires_at: datetime


def create_workspace(user: User, name: str, timezone: str, currency: str) -> str:
    """Create a workspace owned by the user; returns its id."""
    values = {"name": name, "timezone": timezone, "currency": currency}
    created = ask(supabase_client(user).rpc("create_workspace", values).execute).data
    forget_workspaces()
    return str(created)


def update_workspace(user: User, **values: str) -> None:
    """Change name, time zone, currency or person_split."""
    unchanged = dict.fromkeys(("name", "timezone", "currency", "person_split"))
    _change(user, "update_workspace", **unchanged | values)


def delete_workspace(user: User, name: str) -> None:
    """Delete the workspace for everyone; its name guards against a slip."""
    _change(user, "delete_workspace", name=name)


def leave_workspace(user: User) -> None:
    """Leave the workspace."""
    _change(user, "leave_workspace")


def transfer_ownership(user: User, person_id: str) -> None:
    """Make another member the owner; the user stays as an admin."""
    _change(user, "transfer_ownership", person=person_id)


def set_role(user: User, person_id: str, role: str) -> None:
    """Give a member a role."""
    _change(user, "set_role", person=person_id, role=role)


def remove_member(user: User, person_id: str) -> None:
    """Remove a member; the records stay."""
    _change(user, "remove_member", person=person_id)


def set_member_limit(
    user: User, person_id: str, monthly_usd: Decimal | None, monthly_tokens: int | None
) -> None:
    """Set a member's monthly limits; None for none."""
    usd = None if monthly_usd is None else f"{monthly_usd:f}"
    _change(user, "set_member_limit", person=person_id, monthly_usd=usd, monthly_tokens=monthly_tokens)


def invite(user: User, email: str, role: str) -> NewInvitation:
    """Invite an address; an earlier invitation of it ends."""
    made = _change(user, "invite", email=email, role=role)
    return NewInvitation(made["email"], made["token"], datetime.fromisoformat(made["expires_at"]))


def cancel_invitation(user: User, invitation_id: str) -> None:
    """End an open invitation."""
    supabase = supabase_client(user)
    ask(supabase.rpc("cancel_invitation", {"invitation": invitation_id}).execute)
    data.forget_version(user)


def _change(user: User, function: str, **params: Any) -> Any:
    """Call a function on the user's workspace; the change shows in every session at once."""
    answer = call(user, function, **params)
    forget_workspaces()
    data.forget_version(user)
    return answer
