"""Keys, connections, agents and environments that are idle or fail: one event each, until it is over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from tally.alerts import idle
from tally.alerts.evaluation import Evaluated, evaluate_rules
from tally.notifications.facts import Facts
from tally.notifications.texts import describe_event
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project, make_months
from tests.days import current_day

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    make_months(database, f"{NOW - timedelta(days=100):%Y-%m-%d}", f"{NOW:%Y-%m-%d}")
    return make_team(project, database, "owner", "ann")


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def add_key(database: Connection, team: Team, name: str, **columns: Any) -> UUID:
    row = {
        "id": uuid4(),
        "workspace_id": team.id,
        "user_id": team["ann"].id,
        "name": name,
        "prefix": "tly_abcd",
        "last_four": "wxyz",
        "key_hash": uuid4().bytes * 2,
        "scopes": ["ingest"],
        "created_at": days_ago(90),
    } | columns
    insert(database, "api_keys", row)
    return UUID(str(row["id"]))


def add_connection(database: Connection, team: Team, name: str, **columns: Any) -> UUID:
    [[provider]] = database.execute("select id from public.providers where name = 'openai'").fetchall()
    row = {
        "id": uuid4(),
        "workspace_id": team.id,
        "user_id": team["owner"].id,
        "provider_id": provider,
        "credential_name": name,
        "encrypted_api_key": "x",
        "encryption_key_id": "k",
        "created_at": days_ago(90),
        "last_sync_at": days_ago(0.5),
    } | columns
    insert(database, "api_credentials", row)
    return UUID(str(row["id"]))


def add_source(database: Connection, team: Team, connection: UUID) -> UUID:
    row = {
        "id": uuid4(),
        "workspace_id": team.id,
        "user_id": team["owner"].id,
        "kind": "connection",
        "format": "openai",
        "filename": "Work",
        "credential_id": connection,
        "status": "done",
    }
    insert(database, "imports", row)
    return UUID(str(row["id"]))


def add_calls(
    database: Connection, team: Team, statuses: Sequence[str | None], cost: str | None = "0.5", **changes: Any
) -> None:
    """A call an hour, the newest first."""
    [[provider]] = database.execute("select id from public.providers where name = 'openai'").fetchall()
    metadata = changes.pop("metadata", {})
    for place, status in enumerate(statuses):
        told = {**metadata, **({"inference": {"status": status}} if status else {})}
        row = {
            "workspace_id": team.id,
            "user_id": team["ann"].id,
            "provider_id": provider,
            "timestamp": NOW - place * HOUR,
            "model_name": "gpt-5",
            "cost_usd": cost,
            "cost_basis": "estimated",
            "metadata": Jsonb(told),
        } | changes
        insert(database, "cost_records", row)


def insert(database: Connection, table: str, row: dict[str, Any]) -> None:
    query = f"insert into public.{table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})"
    database.execute(query.encode(), list(row.values()))


def evaluate(database: Connection) -> Evaluated:
    done = evaluate_rules(database, now=NOW)
    assert done.failed == {}
    return done


def found(database: Connection) -> dict[str, str]:
    """Subjects of the events, with their state."""
    return dict(
        database.execute("select subject, state from public.alert_events where kind = 'idle'").fetchall()
    )


def tell(database: Connection) -> str:
    """The words of the only event."""
    [(facts,)] = database.execute("select facts from public.alert_events where kind = 'idle'").fetchall()
    told = describe_event("idle", Facts(facts, ZoneInfo("UTC")), is_cleared=False)
    return " ".join([told.title, *told.sentences])


@pytest.mark.parametrize(
    ("columns", "is_idle"),
    [
        ({"last_used_at": days_ago(29)}, False),
        ({"last_used_at": days_ago(31)}, True),
        ({"created_at": days_ago(29)}, False),
        ({"created_at": days_ago(31)}, True),
        ({"last_used_at": days_ago(31), "revoked_at": days_ago(1)}, False),
        ({"last_used_at": days_ago(31), "expires_at": days_ago(1)}, False),
        ({"last_used_at": days_ago(31), "expires_at": NOW + 2 * HOUR}, True),
    ],
    ids=["used", "unused", "new", "never used", "revoked", "expired", "expires"],
)
def test_key_without_use_for_thirty_days_is_found(
    database: Connection, team: Team, columns: dict[str, Any], is_idle: bool
) -> None:
    key = add_key(database, team, "CI", **columns)
    evaluate(database)
    assert found(database) == ({f"key:{key}": "open"} if is_idle else {})
    if is_idle:
        assert "31 days ago" in tell(database)
        assert "revoke it on Keys" in tell(database)


def test_event_of_a_key_is_its_owners_and_ends_with_its_use(database: Connection, team: Team) -> None:
    key = add_key(database, team, "CI")
    assert evaluate(database).raised == 1
    assert evaluate(database).raised == 0
    [[person]] = database.execute("select person_id from public.alert_events").fetchall()
    assert person == team["ann"].id
    database.execute("update public.api_keys set last_used_at = %s", [NOW])
    assert evaluate(database).cleared == 1
    assert found(database) == {f"key:{key}": "cleared"}


@pytest.mark.parametrize(
    ("columns", "last_record", "is_idle"),
    [
        ({}, None, True),
        ({}, 29, False),
        ({}, 31, True),
        ({"created_at": days_ago(29)}, None, False),
        ({"is_active": False}, None, False),
        ({"last_sync_at": days_ago(8)}, None, False),
        ({"last_sync_at": None}, None, False),
    ],
    ids=["no record", "recent", "old", "new", "inactive", "not synced of late", "never synced"],
)
def test_connection_that_is_synced_without_data_is_found(
    database: Connection, team: Team, columns: dict[str, Any], last_record: int | None, is_idle: bool
) -> None:
    connection = add_connection(database, team, "Work", **columns)
    if last_record is not None:
        source = add_source(database, team, connection)
        add_calls(database, team, [None], import_id=source, timestamp=days_ago(last_record))
    evaluate(database)
    assert found(database) == ({f"connection:{connection}": "open"} if is_idle else {})
    if is_idle:
        assert "Check on Connections" in tell(database)


def test_superseded_records_of_a_connection_are_data(database: Connection, team: Team) -> None:
    """A bill of another source may say the same, and better."""
    source = add_source(database, team, add_connection(database, team, "Work"))
    add_calls(database, team, [None], timestamp=days_ago(3), import_id=source)
    [[provider]] = database.execute("select provider_id from public.cost_records").fetchall()
    database.execute("delete from public.cost_records")
    row = {
        "workspace_id": team.id,
        "user_id": team["owner"].id,
        "provider_id": provider,
        "import_id": source,
        "timestamp": days_ago(3),
        "model_name": "gpt-5",
        "cost_usd": 1,
    }
    insert(database, "superseded_records", row)
    evaluate(database)
    assert found(database) == {}


FAILED = ["error", "timeout", "rate_limited", "error", "error"]


@pytest.mark.parametrize(
    ("statuses", "cost", "is_found"),
    [
        (FAILED, "0.5", True),
        ([*FAILED, "ok"], "0.5", False),
        ([*FAILED, None], "0.5", False),
        (FAILED, "0", False),
        (FAILED, None, False),
        (FAILED[:4], "0.5", False),
    ],
    ids=["all fail", "one succeeds", "one is not told", "free", "unpriced", "few"],
)
def test_agent_that_costs_and_never_succeeds_is_found(
    database: Connection, team: Team, statuses: list[str | None], cost: str | None, is_found: bool
) -> None:
    add_calls(database, team, statuses, cost, metadata={"agent": "triage"})
    add_calls(database, team, ["ok"], metadata={"agent": "other"})
    insert_any_source(database, team)
    evaluate(database)
    assert found(database) == ({"agent:triage": "open"} if is_found else {})
    if is_found:
        assert tell(database).startswith("Agent “triage” never succeeds All of its 5 calls")
        assert "They cost $2.50." in tell(database)


def test_agent_that_a_plan_pays_for_costs_nothing(database: Connection, team: Team) -> None:
    """The worth of what a plan includes is not spent."""
    add_calls(database, team, FAILED, metadata={"agent": "on a plan"}, cost_basis="included")
    add_calls(database, team, FAILED, metadata={"agent": "on both"}, cost_basis="included")
    add_calls(database, team, ["error"], "0.25", metadata={"agent": "on both"})
    insert_any_source(database, team)
    evaluate(database)
    assert found(database) == {"agent:on both": "open"}
    assert "They cost $0.25." in tell(database)


def insert_any_source(database: Connection, team: Team) -> None:
    add_source(database, team, add_connection(database, team, "Other", created_at=NOW))


@pytest.mark.parametrize("dimension", ["environment", "container"])
def test_environment_whose_calls_all_fail_is_found_at_no_cost_too(
    database: Connection, team: Team, dimension: str
) -> None:
    add_calls(database, team, FAILED, None, metadata={dimension: "staging"})
    add_calls(database, team, [*FAILED, "ok"], None, metadata={dimension: "prod"})
    insert_any_source(database, team)
    evaluate(database)
    assert found(database) == {f"{dimension}:staging": "open"}
    assert "All calls in “staging” fail" in tell(database)


def test_old_failures_are_history_and_a_success_ends_it(database: Connection, team: Team) -> None:
    insert_any_source(database, team)
    add_calls(database, team, FAILED, metadata={"agent": "old"}, timestamp=days_ago(15))
    add_calls(database, team, FAILED, metadata={"agent": "triage"})
    assert evaluate(database).raised == 1
    add_calls(database, team, ["ok"], metadata={"agent": "triage"})
    assert evaluate(database).cleared == 1
    assert found(database) == {"agent:triage": "cleared"}


def test_events_about_private_projects_and_others_calls_stay_hidden(database: Connection, team: Team) -> None:
    secret = team["owner"].add_project("Secret", is_private=True)
    insert_any_source(database, team)
    add_calls(database, team, FAILED, metadata={"agent": "hidden"}, project_id=secret)
    add_calls(database, team, FAILED, metadata={"agent": "mine"}, user_id=team["owner"].id)
    evaluate(database)
    seen = "select subject from public.alert_events order by subject"
    assert team["ann"].connection.execute(seen).fetchall() == []
    assert team["owner"].connection.execute(seen).fetchall() == [("agent:hidden",), ("agent:mine",)]


def test_mails_tell_open_findings_to_those_who_may_know(database: Connection, team: Team) -> None:
    key = add_key(database, team, "CI")
    add_key(database, team, "Owner's", user_id=team["owner"].id)
    evaluate(database)

    def told(name: str) -> list[str]:
        answer = team[name].ask("digest_events", first_day=NOW.date(), last_day=current_day())
        return sorted(finding["name"] for finding in answer["findings"] or [])

    assert (told("ann"), told("owner")) == (["CI"], ["CI", "Owner's"])
    database.execute("update public.api_keys set last_used_at = %s where id = %s", [NOW, key])
    evaluate(database)
    assert (told("ann"), told("owner")) == ([], ["Owner's"])


def test_a_few_are_told_at_a_time(database: Connection, team: Team) -> None:
    for number in range(idle.MAX_NEW + 3):
        add_key(database, team, f"Key {number}")
    assert evaluate(database).raised == idle.MAX_NEW
    assert evaluate(database).raised == 3
    assert evaluate(database).raised == 0


def test_workspace_that_switched_it_off_hears_nothing(database: Connection, team: Team) -> None:
    add_key(database, team, "CI")
    team["owner"].ask("set_alert_rules", rules={"idle": False})
    assert evaluate(database).raised == 0


def test_changes_by_day_look_for_nothing_idle(database: Connection, team: Team) -> None:
    add_key(database, team, "CI")
    assert evaluate_rules(database, [team.id], NOW).raised == 0
