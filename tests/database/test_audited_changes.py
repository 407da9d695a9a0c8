"""The audit log of a workspace's rights and money: its entries, where they came from, and the search."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.access import another_row, insert
from tests.database.teams import Team, call, make_team
from tests.database.test_audit import entries
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with a person of each role and an empty log."""
    team = make_team(project, database)
    database.execute("delete from public.audit_logs")
    return team


@pytest.fixture
def owner(team: Team) -> Connection:
    """The connection of the team's owner."""
    return team["owner"].connection


def last(connection: Connection) -> dict[str, Any]:
    """The newest entry."""
    return entries(connection)[-1]


def test_settings_are_logged_with_their_values(team: Team, owner: Connection) -> None:
    call(owner, "update_workspace", team.id, "New name", None, None, "own")
    entry = last(owner)
    assert (entry["action"], entry["table_name"], entry["row_id"]) == ("update", "workspaces", team.id)
    assert (entry["actor"], entry["actor_id"]) == ("person", team["owner"].id)
    assert sorted(entry["changed_columns"]) == ["name", "person_split"]
    assert entry["before"] == {"name": "Team", "person_split": "admins"}
    assert entry["after"] == {"name": "New name", "person_split": "own"}
    before = len(entries(owner))
    call(owner, "update_workspace", team.id, "New name", None, None, None)
    assert len(entries(owner)) == before


def test_creation_of_a_workspace_is_logged(owner: Connection, team: Team) -> None:
    made = call(owner, "create_workspace", "Lab", None, "EUR")
    logged = [entry for entry in entries(owner) if entry["workspace_id"] == made]
    assert [(entry["action"], entry["table_name"]) for entry in logged] == [
        ("insert", "workspaces"),
        ("join", "members"),
    ]
    assert logged[0]["after"] == {"name": "Lab", "currency": "EUR", "timezone": "UTC"}
    assert logged[1]["user_id"] == team["owner"].id


def test_signing_up_is_not_logged(database: Connection, user: UUID) -> None:
    assert entries(database) == []
    database.execute(
        """update public.user_preferences set timezone = 'Asia/Tokyo', currency = 'EUR'
        where user_id = %s""",
        [user],
    )
    logged = [(entry["table_name"], entry["after"], entry["workspace_id"]) for entry in entries(database)]
    assert sorted(logged) == [
        ("user_preferences", {"currency": "EUR"}, user),
        ("workspaces", {"timezone": "Asia/Tokyo"}, user),
    ]


@pytest.mark.parametrize(
    ("table", "change", "before", "after"),
    [
        ("model_prices", "output_usd_per_mtok = 3", {"output_usd_per_mtok": 2}, {"output_usd_per_mtok": 3}),
        ("custom_models", "base_model = 'o3'", {"base_model": "gpt-5"}, {"base_model": "o3"}),
        ("price_multipliers", "multiplier = 1.1", {"multiplier": 0.85}, {"multiplier": 1.1}),
        ("subscriptions", "amount_usd = 25", {"amount_usd": 20}, {"amount_usd": 25}),
        ("imports", "is_enabled = false", {"is_enabled": True}, {"is_enabled": False}),
        (
            "imports",
            'metadata = \'{"paid_by": "plan", "position": 9}\'',
            {"metadata.paid_by": None},
            {"metadata.paid_by": "plan"},
        ),
    ],
)
def test_prices_subscriptions_and_sources_are_logged(
    team: Team,
    owner: Connection,
    database: Connection,
    table: str,
    change: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    owner.execute(insert(table, another_row(database, table, team["owner"].id, team.id)))
    added = last(owner)
    owner.execute(f"update public.{table} set metadata = '{{\"position\": 1}}'")
    assert last(owner) == added
    owner.execute(f"update public.{table} set {change}")
    updated = last(owner)
    owner.execute(f"delete from public.{table}")
    deleted = last(owner)
    actions = [(entry["action"], entry["table_name"]) for entry in (added, updated, deleted)]
    assert actions == [("insert", table), ("update", table), ("delete", table)]
    assert len({entry["row_id"] for entry in (added, updated, deleted)}) == 1
    assert (added["before"], updated["before"], updated["after"], deleted["after"]) == (
        None,
        before,
        after,
        None,
    )
    assert added["after"].items() <= deleted["before"].items() | {(name, before[name]) for name in before}


def test_moving_a_source_to_a_plan_is_logged(team: Team, owner: Connection, database: Connection) -> None:
    row = another_row(database, "imports", team["owner"].id, team.id)
    [[source]] = owner.execute(insert("imports", row).as_string(owner) + " returning id").fetchall()
    call(owner, "set_paid_by_plan", source, True)
    assert (last(owner)["row_id"], last(owner)["after"]) == (source, {"metadata.paid_by": "plan"})


@pytest.mark.parametrize(
    ("rows", "logged"), [(20, [None] * 20), (21, [{"rows": 21}]), (1001, [{"rows": 1001}])]
)
def test_a_statement_on_many_rows_is_one_entry(
    team: Team, owner: Connection, rows: int, logged: list[dict[str, int] | None]
) -> None:
    commands = {
        "insert": """
            insert into public.model_prices
                (workspace_id, provider_id, model_name, input_usd_per_mtok, output_usd_per_mtok)
            select %s, p.id, 'model-' || n, 1, 2
            from public.providers as p, generate_series(1, %s) as n where p.name = 'openai'""",
        "update": """update public.model_prices set output_usd_per_mtok = 3
            where workspace_id = %s and model_name <> 'model-' || (%s + 1)""",
        "delete": """delete from public.model_prices
            where workspace_id = %s and model_name <> 'model-' || (%s + 1)""",
    }
    for command, query in commands.items():
        before = len(entries(owner))
        assert owner.execute(query, [team.id, rows]).rowcount == rows
        added = entries(owner)[before:]
        assert [entry["metadata"] or None for entry in added] == logged
        assert {(entry["action"], entry["table_name"]) for entry in added} == {(command, "model_prices")}


def test_statements_on_several_workspaces_are_counted_for_each(
    team: Team, owner: Connection, database: Connection
) -> None:
    for workspace, count in ((team.id, 15), (team["owner"].id, 10)):
        for _ in range(count):
            row = another_row(database, "model_prices", team["owner"].id, workspace)
            database.execute(insert("model_prices", row))
    owner.execute("delete from public.model_prices")
    logged = {entry["workspace_id"]: entry["metadata"]["rows"] for entry in entries(owner)[-2:]}
    assert logged == {team.id: 15, team["owner"].id: 10}


def test_edits_of_records_by_hand_are_logged_and_saves_are_not(team: Team, owner: Connection) -> None:
    for _ in range(2):
        call(
            owner,
            "save_cost_records",
            None,
            [record(source_key=str(UUID(int=n))) for n in range(30)],
            team.id,
        )
    assert entries(owner) == []
    first = "where source_key = '00000000-0000-0000-0000-000000000001'"
    owner.execute(f"update public.cost_records set metadata = '{{}}' {first}")
    assert entries(owner) == []
    owner.execute(f"update public.cost_records set cost_usd = 9, timestamp = '2026-05-02T12:00Z' {first}")
    [edited] = entries(owner)
    assert (edited["action"], edited["table_name"]) == ("update", "cost_records")
    assert edited["before"] == {"cost_usd": 1.5, "timestamp": "2026-05-01T12:00:00+00:00"}
    assert edited["after"] == {"cost_usd": 9, "timestamp": "2026-05-02T12:00:00+00:00"}
    owner.execute(f"delete from public.cost_records {first}")
    deleted = last(owner)
    assert (deleted["action"], deleted["row_id"]) == ("delete", edited["row_id"])
    assert deleted["before"]["cost_usd"] == 9
    owner.execute("delete from public.cost_records")
    assert len(entries(owner)) == 3
    assert (last(owner)["action"], last(owner)["metadata"]) == ("delete", {"rows": 29})


def test_deleting_a_source_is_one_entry(team: Team, owner: Connection, database: Connection) -> None:
    row = another_row(database, "imports", team["owner"].id, team.id)
    [[source]] = owner.execute(insert("imports", row).as_string(owner) + " returning id").fetchall()
    call(owner, "save_cost_records", source, [record() for _ in range(30)], team.id)
    owner.execute("update public.imports set is_enabled = false")
    owner.execute("delete from public.imports")
    logged = [(entry["action"], entry["table_name"]) for entry in entries(owner)]
    assert logged == [(action, "imports") for action in ("insert", "update", "delete")]


def test_roles_are_logged(team: Team, owner: Connection, database: Connection) -> None:
    before = len(entries(owner))
    member = team["member"].id
    database.execute(
        "update public.members set role = 'admin' where user_id = %s and role = 'member'", [member]
    )
    database.execute("delete from public.members where user_id = %s and workspace_id = %s", [member, team.id])
    changed, removed = entries(owner)[before:]
    assert (changed["action"], changed["before"], changed["after"]) == (
        "update",
        {"role": "member"},
        {"role": "admin"},
    )
    assert (removed["action"], removed["user_id"], removed["before"]) == ("remove", member, {"role": "admin"})


def change_name(connection: Connection, team: Team, headers: dict[str, str] | str) -> tuple[Any, ...]:
    """Address and user agent of an entry that a request with these headers makes."""
    text = headers if isinstance(headers, str) else json.dumps(headers)
    connection.execute("select set_config('request.headers', %s, false)", [text])
    [[count]] = connection.execute("select count(*) from public.audit_logs").fetchall()
    call(connection, "update_workspace", team.id, f"Name {count}", None, None, None)
    return last(connection)["address"], last(connection)["user_agent"]


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"x-forwarded-for": "203.0.113.7, 10.0.0.1", "user-agent": "curl/8"}, ("203.0.113.7", "curl/8")),
        (
            {
                "x-tally-address": "2001:db8::1",
                "x-tally-user-agent": "Firefox",
                "x-forwarded-for": "10.0.0.1",
                "user-agent": "python-httpx",
            },
            ("2001:db8::1", "Firefox"),
        ),
        ({"x-tally-address": "<script>", "user-agent": "a\u202eb\x07<b>\n"}, (None, "ab<b>")),
        ({"x-tally-address": "1" * 10_000, "user-agent": "z" * 10_000}, (None, "z" * 300)),
        ({"user-agent": "日本"}, (None, None)),
        ({"user-agent": "nul\x00byte"}, (None, None)),
        ({}, (None, None)),
        ("", (None, None)),
        ("no json", (None, None)),
        ("[1]", (None, None)),
        ('{"user-agent": {"a": 1}}', (None, '{"a": 1}')),
    ],
)
def test_entries_say_where_a_request_came_from(
    team: Team, owner: Connection, headers: dict[str, str] | str, origin: tuple[Any, ...]
) -> None:
    assert change_name(owner, team, headers) == origin


def found(admin: Connection, team: Team, search: str | None, *, at_most: int | None = None) -> list[str]:
    """New names in the entries that a search finds."""
    return [
        entry["after"]["name"] for entry in call(admin, "search_audit_log", team.id, search, None, at_most)
    ]


def test_the_log_is_searched_by_text_and_address(team: Team, owner: Connection) -> None:
    admin = team["admin"].connection
    for person, name in ((owner, "100% alpha_one"), (admin, "Beta"), (owner, 'it\'s \\ "gamma"')):
        call(person, "update_workspace", team.id, name, None, None, None)
    database_names = ['it\'s \\ "gamma"', "Beta", "100% alpha_one"]
    assert found(admin, team, None) == found(admin, team, "  ") == database_names
    assert found(admin, team, "BETA") == database_names[:2]  # of the third it was the name before
    assert found(admin, team, "100%") == database_names[1:]
    assert found(admin, team, "%a%") == []
    assert found(admin, team, "_") != []
    assert found(admin, team, "' or true --") == []
    assert found(admin, team, f"{team['admin'].id}@example") == ["Beta"]
    assert found(admin, team, "x" * 100_000) == []
    for search in (None, "  ", "BETA", "100%", "%a%"):
        assert call(admin, "count_audit_log", team.id, search) == len(found(admin, team, search))
    entry = call(admin, "search_audit_log", team.id, "", None, 1)[0]
    assert entry["actor_email"] == f"{team['owner'].id}@example.org"
    assert set(entry) == {
        "id", "created_at", "actor", "actor_id", "actor_email", "action", "table_name", "row_id",
        "user_id", "user_email", "changed_columns", "before", "after", "metadata", "address",
        "user_agent",
    }  # fmt: skip


def test_pages_of_the_log_have_every_entry_once(team: Team, owner: Connection, database: Connection) -> None:
    for n in range(10):
        call(owner, "update_workspace", team.id, f"Name {n}", None, None, None)
    database.execute(
        """update public.audit_logs set created_at = '2026-05-01'
        where after ->> 'name' in ('Name 4', 'Name 5', 'Name 6')"""
    )
    seen, before = [], None
    while page := call(owner, "search_audit_log", team.id, None, before, 2):
        seen += [entry["after"]["name"] for entry in page]
        before = page[-1]["created_at"]
    assert sorted(seen) == [f"Name {n}" for n in range(10)]


@pytest.mark.parametrize("at_most", [None, 0, -1, 2**31 - 1])
def test_a_page_of_the_log_has_bounds(team: Team, owner: Connection, at_most: int | None) -> None:
    for n in range(3):
        call(owner, "update_workspace", team.id, f"Name {n}", None, None, None)
    assert len(found(owner, team, None, at_most=at_most)) == (1 if at_most in (0, -1) else 3)


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_only_admins_search_the_log(team: Team, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role"):
        team[role].call("search_audit_log", team.id, None, None, 10)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role"):
        team[role].call("count_audit_log", team.id, None)


def test_projects_rules_and_aliases_are_logged(team: Team, owner: Connection) -> None:
    web, app = (call(owner, "create_project", team.id, name, False) for name in ("Web", "App"))
    call(owner, "update_project", web, "Website", True)
    owner.execute("select public.set_project_members(%s, %s)", [web, [team["member"].id]])
    rules = [
        {"field": "folder", "match": "exact", "value": value, "project_id": str(project)}
        for value, project in (("/a", web), ("/b", app))
    ]
    call(owner, "set_rules", team.id, rules)
    call(owner, "set_rules", team.id, rules[::-1])
    call(owner, "set_rules", team.id, rules[:1])
    call(owner, "set_aliases", team.id, [{"value": "Ann", "user_id": str(team["member"].id)}])
    call(owner, "save_cost_records", None, [record(billing_account="openai:x")], team.id)
    call(owner, "name_billing_account", team.id, "openai:x", "Main")
    call(owner, "archive_project", app)
    logged = [
        (entry["table_name"], entry["action"], entry["after"] or entry["before"]) for entry in entries(owner)
    ]
    archived = logged.pop()
    assert (archived[0], archived[1], set(archived[2])) == ("projects", "update", {"archived_at"})
    member = str(team["member"].id)
    first = {"position": 1, "field": "folder", "match": "exact", "value": "/a", "project_id": str(web)}
    second = first | {"position": 2, "value": "/b", "project_id": str(app)}
    tables = [
        ("projects", "insert", {"name": "Web", "is_private": False}),
        ("projects", "insert", {"name": "App", "is_private": False}),
        ("projects", "update", {"name": "Website", "is_private": True}),
        ("project_members", "insert", {"project_id": str(web), "user_id": member}),
        ("project_rules", "insert", first),
        ("project_rules", "insert", second),
        ("project_rules", "update", {"position": 1}),
        ("project_rules", "update", {"position": 2}),
        ("project_rules", "delete", second | {"position": 1}),
        ("project_rules", "update", {"position": 1}),
        ("person_aliases", "insert", {"value": "ann", "user_id": member}),
        ("billing_accounts", "insert", {"account": "openai:x", "name": "Main"}),
    ]
    # Statements on several rows log them in any order.
    assert sorted(json.dumps(row, sort_keys=True) for row in logged) == sorted(
        json.dumps(row, sort_keys=True) for row in tables
    )
