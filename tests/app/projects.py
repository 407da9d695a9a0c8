"""Projects and rules of accounts on the stack under test."""

from typing import Any

from app import data
from app.auth.identity import User, supabase_client
from app.data.reading import call


def add_project(user: User, name: str, is_private: bool = False) -> str:
    """A new project's id."""
    project = str(call(user, "create_project", name=name, is_private=is_private))
    data.forget_version(user)
    return project


def archive(user: User, project: str) -> None:
    """Archive a project."""
    supabase_client(user).rpc("archive_project", {"project": project}).execute()
    data.forget_version(user)


def set_rules(user: User, *rules: tuple[str, str, str]) -> dict[str, Any]:
    """Replace the rules by exact ones: (field, value, project id)."""
    listed = [
        {"field": field, "match": "exact", "value": value, "project_id": project}
        for field, value, project in rules
    ]
    answer: dict[str, Any] = call(user, "set_rules", rules=listed)
    data.forget_version(user)
    return answer
