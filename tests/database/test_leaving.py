"""Leaving, removal and deleted accounts: a workspace's totals and history stay, without orphans."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL

from tests.database.access import another_row, insert
from tests.database.teams import Team, call, make_team, race
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project, add_user

Act = Callable[[UUID], Connection]
NOBODY = UUID(int=0)
WITH_USER = ("imports", "subscriptions", "model_prices", "price_multipliers", "api_credentials")


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace in which an admin has brought something of everything."""
    team = make_team(project, database, "owner", "admin", "admin2", "member")
    admin = team["admin"]
    admin.save(None, record(cost_usd="1"))
    for is_enabled in (True, False):
        row = another_row(database, "imports", admin.id, team.id) | {"is_enabled": is_enabled}
        query = insert("imports", row) + SQL(" returning id")
        [[source]] = admin.connection.execute(query).fetchall()
        admin.save(source, record(cost_usd="2"))
    for table in ("subscriptions", "model_prices", "price_multipliers", "api_credentials"):
        admin.connection.execute(insert(table, another_row(database, table, admin.id, team.id)))
    admin.call("save_cost_records", None, [record(cost_usd="64")])
    team["member"].save(None, record(cost_usd="4"))
    return team


def totals(owner: Connection, team: Team) -> tuple[Any, ...]:
    """Figures of the workspace that do not name people."""
    daily = call(owner, "daily_costs", None, None, team.id, None, None)
    spend = call(owner, "get_user_total_spend", team.id, "2026-01-01", "2027-01-01")
    statements = call(owner, "source_statements", None, None, team.id)["effective_usd"]
    tables = [*WITH_USER, "cost_records", "superseded_records"]
    counts = [owner.execute(f"select count(*) from public.{table}").fetchone() for table in tables]
    return daily, spend, statements, counts


def owners_of(database: Connection, team: Team, table: str) -> set[UUID]:
    """People whose rows a table has in the workspace."""
    query = f"select distinct user_id from public.{table} where workspace_id = %s"
    return {user_id for (user_id,) in database.execute(query, [team.id])}


@pytest.mark.parametrize("way", ["leave", "remove"])
def test_who_leaves_keeps_the_name_on_what_they_brought(team: Team, database: Connection, way: str) -> None:
    owner, admin = team["owner"].connection, team["admin"].id
    before = totals(owner, team)
    if way == "leave":
        team["admin"].call("leave_workspace", team.id)
    else:
        call(owner, "remove_member", team.id, admin)
    assert totals(owner, team) == before
    for table in (*WITH_USER[:-1], "cost_records", "superseded_records"):
        assert admin in owners_of(database, team, table), table
    [former] = [row for row in call(owner, "list_people", team.id) if row["role"] is None]
    assert (former["user_id"], former["email"], former["joined_at"]) == (
        str(admin),
        f"{admin}@example.org",
        None,
    )
    assert former["last_active"] == "2026-05-01"
    assert all(row["role"] for row in team["member"].call("list_people", team.id))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="You are not a member"):
        team["admin"].call("list_people", team.id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="You are not a member"):
        team["admin"].call("save_cost_records", None, [record()], team.id)
    assert owner.execute("update public.imports set is_enabled = false where is_enabled").rowcount == 1
    assert owner.execute("delete from public.subscriptions").rowcount == 1
    assert team["admin"].call("get_user_total_spend", admin, "2026-01-01", "2027-01-01") == 64


@pytest.mark.parametrize("way", ["leave", "remove", "demote"])
def test_connections_pass_to_the_owner(team: Team, database: Connection, way: str) -> None:
    database.execute("delete from public.audit_logs")
    owner, admin = team["owner"].id, team["admin"].id
    if way == "leave":
        team["admin"].call("leave_workspace", team.id)
    elif way == "remove":
        team["owner"].call("remove_member", team.id, admin)
    else:
        team["owner"].call("set_role", team.id, admin, "viewer")
    assert owners_of(database, team, "api_credentials") == {owner}
    log = team["owner"].call("search_audit_log", team.id, "api_credentials", None, None)
    assert [(row["action"], row["before"], row["after"]) for row in log] == [
        ("update", {"user_id": str(admin)}, {"user_id": str(owner)})
    ]
    assert log[0]["metadata"]["provider"] == "openai"


def add_synced_source(team: Team, database: Connection) -> UUID:
    """The source of the admin's connection."""
    [[credential]] = database.execute("select id from public.api_credentials")
    query = """insert into public.imports (workspace_id, kind, filename, format, credential_id)
        values (%s, 'connection', 'OpenAI', 'openai', %s) returning id"""
    [[source]] = team["admin"].connection.execute(query, [team.id, credential]).fetchall()
    assert isinstance(source, UUID)
    return source


@pytest.mark.parametrize("way", ["leave_workspace", "set_role"])
def test_what_a_connection_brings_is_its_new_owners(team: Team, database: Connection, way: str) -> None:
    owner, admin = team["owner"], team["admin"]
    source = add_synced_source(team, database)
    admin.save(source, record(metadata={"actor": "ann"}))
    if way == "leave_workspace":
        admin.call(way, team.id)
    else:
        owner.call(way, team.id, admin.id, "member")
    owner.save(source, record(timestamp="2026-05-02T12:00:00Z"))
    people = "select user_id from public.cost_records where import_id = %s order by timestamp"
    assert database.execute(people, [source]).fetchall() == [(admin.id,), (owner.id,)]
    for aliases in ([{"value": "ann", "user_id": str(team["member"].id)}], []):
        owner.ask("set_aliases", aliases=aliases)
    assert database.execute(people, [source]).fetchall() == [(owner.id,), (owner.id,)]


def test_connections_of_owners_who_become_admins_stay_theirs(team: Team, database: Connection) -> None:
    row = another_row(database, "api_credentials", team["owner"].id, team.id)
    team["owner"].connection.execute(insert("api_credentials", row))
    team["owner"].call("transfer_ownership", team.id, team["admin2"].id)
    assert owners_of(database, team, "api_credentials") == {team["owner"].id, team["admin"].id}


def test_who_comes_back_is_a_member_once(team: Team) -> None:
    member = team["member"].id
    for _ in range(2):
        team["member"].call("leave_workspace", team.id)
        assert [row["role"] for row in team["owner"].call("list_people", team.id)][-1] is None
        made = team["owner"].call("invite", team.id, f"{member}@example.org", "viewer")
        team["member"].call("accept_invitation", made["token"])
        rows = [row for row in team["owner"].call("list_people", team.id) if row["user_id"] == str(member)]
        assert [row["role"] for row in rows] == ["viewer"]


@pytest.mark.parametrize("is_member", [True, False])
def test_a_deleted_account_leaves_the_totals_of_workspaces(
    team: Team, database: Connection, is_member: bool
) -> None:
    owner, admin = team["owner"].id, team["admin"].id
    before = totals(team["owner"].connection, team)
    if not is_member:
        team["admin"].call("leave_workspace", team.id)
    team["admin"].call("delete_own_account", f"{admin}@example.org")
    assert totals(team["owner"].connection, team) == before
    for table in WITH_USER:
        assert owners_of(database, team, table) == {owner}, table
    assert owners_of(database, team, "cost_records") == {NOBODY, team["member"].id}
    assert owners_of(database, team, "superseded_records") == {NOBODY}
    assert [row["user_id"] for row in team["owner"].call("list_people", team.id)].count(str(admin)) == 0
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    assert totals(team["owner"].connection, team) == before
    found = "select count(*) from public.cost_records where workspace_id = %s"
    assert database.execute(found, [admin]).fetchone() == (0,)


def test_nothing_names_a_deleted_account(team: Team, database: Connection) -> None:
    """Neither its address, nor its id but in the audit log."""
    admin = team["admin"].id
    team["admin"].call("invite", team.id, "somebody@example.org", "member")
    database.execute(
        """insert into public.invitations (workspace_id, email, role, token_sha256, invited_by)
        values (%s, 'x@example.org', 'member', sha256('x'), %s)""",
        [team.id, admin],
    )
    team["admin"].connection.execute(
        "select set_config('request.headers', %s, false)", ['{"user-agent": "Firefox"}']
    )
    team["admin"].call("update_workspace", team.id, "Renamed", None, None, None)
    team["admin"].save(add_synced_source(team, database), record())
    team["owner"].call("set_role", team.id, admin, "viewer")
    database.execute("select public.refresh_cost_records_daily()")
    team["admin"].call("delete_own_account", f"{admin}@example.org")
    database.execute("select public.refresh_cost_records_daily()")
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    tables = database.execute(
        """select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in ('public', 'private') and c.relkind in ('r', 'm')"""
    ).fetchall()
    naming = {
        table
        for (table,) in tables
        if database.execute(f"select from {table} as t where t::text like %s", [f"%{admin}%"]).fetchall()
    }
    assert {table.removeprefix("public.") for table in naming} == {"audit_logs"}
    query = "select count(*) from public.audit_logs where user_agent is not null or address is not null"
    assert database.execute(query).fetchone() == (0,)


def test_an_invited_address_leaves_the_log_with_its_account(team: Team, as_user: Act, stranger: UUID) -> None:
    address = f"{stranger}@example.org"
    team["owner"].call("invite", team.id, address, "member")
    other = team["owner"].call("invite", team.id, "other@example.org", "member")
    call(as_user(stranger), "delete_own_account", address)
    log = team["owner"].call("search_audit_log", team.id, "invite", None, None)
    assert [row["after"].get("email") for row in log] == [other["email"], None]


def test_history_outlives_an_account(team: Team, database: Connection) -> None:
    query = "select id, action, actor_id from public.audit_logs where workspace_id = %s order by id"
    before = database.execute(query, [team.id]).fetchall()
    team["admin"].call("delete_own_account", f"{team['admin'].id}@example.org")
    after = database.execute(query, [team.id]).fetchall()
    assert set(before) <= set(after)
    assert team["admin"].id in {actor_id for _, _, actor_id in before}


def test_a_machine_of_the_same_name_is_told_apart(team: Team, database: Connection) -> None:
    machine = {"kind": "machine", "filename": "laptop", "format": "claude_code", "workspace_id": team.id}
    for role in ("owner", "admin", "admin2"):
        for workspace in (team.id, team[role].id):
            team[role].connection.execute(insert("imports", machine | {"workspace_id": workspace}))
    for role in ("admin", "admin2"):
        team[role].call("delete_own_account", f"{team[role].id}@example.org")
    query = """select filename from public.imports
        where kind = 'machine' and workspace_id = %s and user_id = %s"""
    names = [name for (name,) in database.execute(query, [team.id, team["owner"].id])]
    assert len(set(names)) == 3
    assert sorted(name.split()[0] for name in names) == ["laptop"] * 3
    assert "laptop" in names


def test_archived_records_of_a_deleted_account_come_back_without_its_name(
    team: Team, database: Connection
) -> None:
    before = totals(team["owner"].connection, team)
    database.execute("select public.detach_partition(2026, 5)")
    team["admin"].call("delete_own_account", f"{team['admin'].id}@example.org")
    query = "select distinct user_id from private.cost_records_2026_05"
    archived = {user_id for (user_id,) in database.execute(query)}
    assert archived == {NOBODY, team["member"].id}
    database.execute("select public.attach_partition(2026, 5)")
    assert totals(team["owner"].connection, team)[1:] == before[1:]
    assert owners_of(database, team, "cost_records") == {NOBODY, team["member"].id}


def test_a_loaded_month_forgets_accounts_that_were_deleted_meanwhile(
    team: Team, database: Connection
) -> None:
    database.execute("select public.detach_partition(2026, 5)")
    database.execute("alter table private.cost_records_2026_05 rename to exported")
    admin = team["admin"].id
    team["admin"].call("delete_own_account", f"{admin}@example.org")
    database.execute("alter table private.exported rename to cost_records_2026_05")
    assert database.execute(
        "select count(*) > 0 from private.cost_records_2026_05 where user_id = %s", [admin]
    ).fetchone() == (True,)
    database.execute("select public.attach_partition(2026, 5)")
    assert owners_of(database, team, "cost_records") == {NOBODY, team["member"].id}
    query = "select count(*) from public.cost_records where workspace_id = %s"
    assert database.execute(query, [admin]).fetchone() == (0,)


def test_records_of_a_deleted_account_still_change(team: Team, database: Connection) -> None:
    team["admin"].call("delete_own_account", f"{team['admin'].id}@example.org")
    owner = team["owner"].connection
    call(owner, "update_workspace", team.id, None, "Asia/Tokyo", None, None)
    assert owner.execute("update public.imports set is_enabled = not is_enabled").rowcount == 2
    assert owner.execute("update public.cost_records set cost_usd = 9 where cost_usd = 1").rowcount == 1
    assert call(owner, "post_due_renewals", team.id) == 0
    assert owners_of(database, team, "superseded_records") == {NOBODY}
    assert owner.execute("delete from public.imports").rowcount == 2
    assert owners_of(database, team, "cost_records") == {NOBODY, team["member"].id}


def test_sole_owners_are_told_all_their_workspaces(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    for name in ("Beta", "Alpha", "Shared"):
        call(person, "create_workspace", name, None, None)
    shared = call(person, "list_workspaces")[3]["id"]
    other = add_user(database)
    database.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')", [shared, other]
    )
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="only owner of: Alpha, Beta\\. Make"):
        call(person, "delete_own_account", f"{user}@example.org")
    for workspace in call(person, "list_workspaces")[1:3]:
        call(person, "delete_workspace", workspace["id"], workspace["name"])
    call(person, "delete_own_account", f"{user}@example.org")
    assert database.execute("select id from auth.users").fetchall() == [(other,)]


def test_the_auth_server_cannot_delete_the_last_owner(team: Team, project: Project) -> None:
    with project.connect("supabase_auth_admin") as auth:
        with pytest.raises(psycopg.errors.CheckViolation, match="A workspace needs an owner"):
            auth.execute("delete from auth.users where id = %s", [team["owner"].id])
        auth.execute("delete from auth.users where id = %s", [team["admin"].id])


@pytest.mark.parametrize("attempt", ["first", "second", "third"])
def test_deleting_an_account_while_others_save_loses_nothing(
    team: Team, database: Connection, attempt: str
) -> None:
    def save(role: str) -> list[Any]:
        answers = []
        with team.act_as(role) as person:
            for _ in range(5):
                try:
                    answers.append(call(person, "save_cost_records", None, [record(cost_usd="1")], team.id))
                except psycopg.Error as error:
                    answers.append(error)
        return answers

    before = totals(team["owner"].connection, team)[1]
    deleted, *saved = race(
        lambda: team["admin"].call("delete_own_account", f"{team['admin'].id}@example.org"),
        *(lambda role=role: save(role) for role in ("admin", "member", "owner", "admin2")),
    )
    assert not isinstance(deleted, psycopg.Error), (attempt, deleted)
    others = [answer for answers in saved[1:] for answer in answers]
    assert [answer for answer in others if isinstance(answer, psycopg.Error)] == []
    own_errors = [answer for answer in saved[0] if isinstance(answer, psycopg.Error)]
    assert {error.sqlstate for error in own_errors} <= {"42501", "23503"}
    count = sum(answer["inserted"] for answer in others) + len(saved[0]) - len(own_errors)
    assert totals(team["owner"].connection, team)[1] == before + Decimal(count)
    assert team["admin"].id not in owners_of(database, team, "cost_records")
    assert count >= 15
