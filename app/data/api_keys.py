"""Keys of programs, read in each run: their last use moves no data version."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.auth.identity import User, database_of
from tally.api_keys import first_call, keys
from tally.api_keys.first_call import SeenCall
from tally.api_keys.keys import ApiKey, MadeKey, NewKey


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
