"""Keys of programs and SQL roles, read in each run: their changes move no data version."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.auth.identity import User, database_of
from tally.api_keys import first_call, keys, sql_roles
from tally.api_keys.first_call import SeenCall
from tally.api_keys.keys import ApiKey, MadeKey, NewKey
from tally.api_keys.sql_roles import MadeRole, SqlRole


def load_api_keys(user: User) -> list[ApiKey]:
    """The keys that the user may see, oldest first: own ones, or as an admin everybody's."""
    return keys.list_keys(database_of(user))


def find_first_call(user: User, key: ApiKey) -> SeenCall | None:
    """The first call that came with a key; None before it."""
    return first_call.find_first_call(database_of(user), key.id)


def create_api_key(user: User, new: NewKey) -> MadeKey:
    """Make a key of the user."""
    return keys.create_key(database_of(user), new)


def change_api_key(user: User, key_id: str, changes: Mapping[str, Any]) -> None:
    """Change its name, project, limits or end."""
    keys.change_key(database_of(user), key_id, changes)


def rotate_api_key(user: User, key: ApiKey, overlap: timedelta, expires_at: datetime | None) -> MadeKey:
    """Make a key in place of an own one, which works for `overlap` more."""
    return keys.rotate_key(database_of(user), key, overlap, expires_at)


def revoke_api_key(user: User, key_id: str) -> None:
    """End a key at once."""
    keys.revoke_key(database_of(user), key_id)


def load_sql_roles(user: User) -> list[SqlRole]:
    """The SQL roles of the workspace, oldest first; admins alone see them."""
    return sql_roles.list_sql_roles(database_of(user))


def create_sql_role(user: User, name: str) -> MadeRole:
    """Make a SQL role of the workspace."""
    return sql_roles.create_sql_role(database_of(user), name)


def remove_sql_role(user: User, role_id: str) -> None:
    """End a SQL role and its sessions."""
    sql_roles.remove_sql_role(database_of(user), role_id)
