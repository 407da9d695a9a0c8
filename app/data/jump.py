"""The names that the field "Jump to…" finds: models, projects, budgets and sessions of a workspace."""

from typing import Any, cast

from app.auth.identity import User
from app.data.reading import cached, call, data_version


def load_jump_names(user: User) -> dict[str, list[Any]]:
    """`models` by name, `projects` and `budgets` with ids, the latest `sessions`; raises DatabaseError."""
    return _jump_names(user, data_version(user))


@cached
def _jump_names(user: User, version: str) -> dict[str, list[Any]]:  # noqa: ARG001
    return cast(dict[str, list[Any]], call(user, "jump_names"))
