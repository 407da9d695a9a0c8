"""Keys over both doors to the database: made, listed, changed, rotated and revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tally.api_keys.key_text import is_key_text
from tally.api_keys.keys import (
    ApiKey,
    NewKey,
    change_key,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from tally.local.stack import Stack
from tally.storage.database import Database, DatabaseError
from tests.tally.people import TRANSPORTS, acting, sign_up

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(params=TRANSPORTS)
def database(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A new person's workspace."""
    with acting(stack, sign_up(stack), request.param) as opened:
        yield opened


def test_a_key_is_made_changed_rotated_and_revoked(database: Database) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
    made = create_key(database, NewKey("laptop", ("ingest", "read"), None, 120, 2_000_000, expires))
    assert is_key_text(made.text)
    assert made.text not in repr(made)
    [key] = list_keys(database)
    assert (key.id, key.name, key.shown, key.scopes) == (made.id, "laptop", made.shown, ("ingest", "read"))
    assert (key.requests_per_minute, key.tokens_per_minute) == (120, 2_000_000)
    assert (key.expires_at, key.last_used_at) == (expires, None)
    assert key.user_id == database.scope.user_id
    change_key(database, key.id, {"name": "desk", "expires_at": None, "tokens_per_minute": None})
    [key] = list_keys(database)
    assert (key.name, key.expires_at, key.tokens_per_minute) == ("desk", None, None)
    again = rotate_key(database, key, timedelta(hours=1), expires)
    old, new = list_keys(database)
    assert (old.successor_id, new.id, new.name, new.expires_at) == (again.id, again.id, "desk", expires)
    now = datetime.now(UTC)
    assert [each.state(now) for each in (old, new)] == ["rotated", "active"]
    revoke_key(database, old.id)
    assert [each.state(now) for each in list_keys(database)] == ["revoked", "active"]
    with pytest.raises(DatabaseError, match="for 7 days at most"):
        rotate_key(database, new, timedelta(days=8), None)


def key(**values: object) -> ApiKey:
    """A key that was never used."""
    known: dict[str, object] = {
        "id": "k", "user_id": "u", "name": "laptop", "shown": "tly_a1B2…9xYz", "project_id": None,
        "scopes": ("ingest",), "requests_per_minute": None, "tokens_per_minute": None,
        "created_at": NOW - timedelta(days=90), "expires_at": None, "last_used_at": None, "revoked_at": None,
        "successor_id": None,
    }  # fmt: skip
    return ApiKey(**known | values)  # type: ignore[arg-type]


def test_states_follow_from_the_times() -> None:
    later, earlier = NOW + timedelta(days=1), NOW - timedelta(days=1)
    assert key().state(NOW) == "active"
    assert key(expires_at=later).state(NOW) == "active"
    assert key(expires_at=NOW).state(NOW) == "expired"
    assert key(expires_at=later, successor_id="n").state(NOW) == "rotated"
    assert key(expires_at=earlier, successor_id="n").state(NOW) == "expired"
    assert key(expires_at=earlier, revoked_at=earlier).state(NOW) == "revoked"
    assert [key(**values).works(NOW) for values in ({}, {"expires_at": NOW}, {"revoked_at": NOW})] == [
        True,
        False,
        False,
    ]


def test_a_key_without_use_for_30_days_is_idle() -> None:
    month = NOW - timedelta(days=30)
    assert key().idle_since(NOW) == NOW - timedelta(days=90)
    assert key(last_used_at=month).idle_since(NOW) == month
    assert key(last_used_at=month + timedelta(seconds=1)).idle_since(NOW) is None
    assert key(created_at=NOW - timedelta(days=29)).idle_since(NOW) is None
    assert key(revoked_at=month).idle_since(NOW) is None
