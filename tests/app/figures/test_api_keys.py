"""Keys in words, and their order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.figures.api_keys import describe_scopes, describe_state, explain_block, sort_keys, summarize_keys
from tally.api_keys.keys import ApiKey
from tests.every_case import every_case

NOW = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def key(**values: Any) -> ApiKey:
    """A key that was made yesterday and never used."""
    known: dict[str, Any] = {
        "id": "k", "user_id": "u", "name": "laptop", "shown": "tly_a1B2…9xYz", "project_id": None,
        "scopes": ("ingest",), "requests_per_minute": None, "tokens_per_minute": None, "expires_at": None,
        "created_at": NOW - DAY, "last_used_at": None, "revoked_at": None, "successor_id": None,
    }  # fmt: skip
    return ApiKey(**known | values)


@every_case(
    [
        ({}, "Waiting"),
        ({"last_used_at": NOW - DAY}, "Active"),
        ({"created_at": NOW - 90 * DAY, "last_used_at": NOW - 41 * DAY}, "Unused 41 days"),
        ({"created_at": NOW - 30 * DAY}, "Unused 30 days"),
        ({"expires_at": NOW + DAY, "successor_id": "n"}, "Ends 30 Nov"),
        ({"expires_at": NOW + timedelta(minutes=15), "successor_id": "n"}, "Ends 23:45"),
        (
            {"expires_at": NOW + timedelta(hours=1), "successor_id": "n"},
            "Ends 30 Nov",
        ),  # on a clock in Berlin
        ({"expires_at": NOW + 400 * DAY, "successor_id": "n"}, "Ends 3 Jan 2028"),
        ({"expires_at": NOW}, "Expired"),
        ({"expires_at": NOW, "revoked_at": NOW}, "Revoked"),
    ]
)
def test_states_are_said_in_words(values: dict[str, Any], state: str) -> None:
    assert describe_state(key(**values), NOW, BERLIN) == state


@every_case(
    [
        ({}, "member", ""),
        ({"project_id": "web"}, "member", ""),
        ({"project_id": "old"}, "member", "Project archived"),
        ({"project_id": "secret"}, "member", "Project hidden"),
        ({}, "viewer", "Owner only reads"),
        ({"scopes": ("ingest", "read")}, "viewer", ""),
    ]
)
def test_a_key_that_is_refused_says_why(values: dict[str, Any], role: str, reason: str) -> None:
    one = key(**values)
    is_archived = {"web": False, "old": True}.get(one.project_id or "")
    assert explain_block(one, is_archived, role) == reason


def test_rights_are_said_in_words() -> None:
    assert describe_scopes(key(scopes=("ingest", "read"))) == "Send, Read"


def test_keys_that_work_come_first_and_those_that_ended_last() -> None:
    old, new = key(id="old", created_at=NOW - 9 * DAY), key(id="new")
    expired = key(id="expired", expires_at=NOW - 2 * DAY)
    revoked = key(id="revoked", revoked_at=NOW - DAY, expires_at=NOW + DAY)
    working, ended = sort_keys([old, expired, new, revoked], NOW)
    assert [each.id for each in working] == ["new", "old"]
    assert [each.id for each in ended] == ["revoked", "expired"]


def test_the_number_of_keys_tells_those_that_are_idle() -> None:
    assert summarize_keys([], NOW) == "0 keys"
    assert summarize_keys([key()], NOW) == "1 key"
    assert summarize_keys([key(), key(created_at=NOW - 31 * DAY)], NOW) == "2 keys, 1 unused"
