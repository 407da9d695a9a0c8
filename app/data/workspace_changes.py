"""Changes of workspaces; the database checks roles."""

from typing import Any

from app.auth.identity import User, forget_workspaces, supabase_client
from tally.storage.postgrest import ask


def create_workspace(user: User, name: str, timezone: str, currency: str) -> str:
    """Create a workspace owned by the user; returns its id."""
    values = {"name": name, "timezone": timezone, "currency": currency}
    return str(_change(user, "create_workspace", values))


def _change(user: User, function: str, params: dict[str, Any]) -> Any:
    answer = ask(supabase_client(user).rpc(function, params).execute).data
    forget_workspaces()
    return answer
