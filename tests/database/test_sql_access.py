"""SQL roles of BI tools: each reads its workspace in the schema `bi`, and nothing else, whatever it sets."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project, add_user

VIEWS = ("budgets", "daily_costs", "people", "projects", "providers", "records", "subscriptions")
RECORD = {
    "provider": "openai",
    "timestamp": "2026-05-01T23:30:00Z",
    "model_name": "gpt-5",
    "cost_usd": "1.5",
    "input_tokens": 10,
    "tokens_used": 10,
    "request_count": 1,
}


@pytest.fixture
def team(project: Project, database: Connection) -> Iterator[Team]:
    """A workspace with a private project, a record in it, and one of another workspace beside it."""
    made = make_team(project, database)
    private = made["admin"].add_project("Secret", is_private=True)
    made["member"].save(made["member"].add_source(), RECORD)
    database.execute("update public.cost_records set project_id = %s", [private])
    stranger = add_user(database)
    with project.act_as("authenticated", stranger) as other:
        other.execute(
            "select public.save_cost_records(null, %s)",
            [
                '[{"provider": "openai", "model_name": "x", '
                '"timestamp": "2026-05-01T12:00:00Z", "cost_usd": "99", "source_key": "' + "0" * 32 + '"}]'
            ],
        )
    yield made
    database.execute("delete from public.sql_roles")


def make_role(team: Team, person: str = "admin") -> str:
    """A role of the workspace, by its name."""
    made = team[person].ask("create_sql_role", name="Metabase")
    assert len(made["password"]) == 64
    return str(made["role_name"])


def read(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_role_reads_its_workspace_as_an_admin_does_and_no_other(project: Project, team: Team) -> None:
    with project.cluster.connect(project.name, make_role(team)) as bi:
        costs = read(bi, "select day::text, model, cost_usd, project_id is not null from daily_costs")
        assert costs == [("2026-05-01", "gpt-5", Decimal("1.5"), True)]
        assert read(bi, "select model, cost_usd, requests from records") == [("gpt-5", Decimal("1.5"), 1)]
        assert read(bi, "select name, is_private from projects") == [("Secret", True)]
        assert {role for (role,) in read(bi, "select role from people")} == set(team.people)
        assert ("openai",) in read(bi, "select name from providers")


def test_days_are_exact_when_stale_and_in_the_zone_of_the_workspace(
    project: Project, team: Team, database: Connection
) -> None:
    database.execute("update public.workspaces set timezone = 'Asia/Tokyo' where id = %s", [team.id])
    with project.cluster.connect(project.name, make_role(team)) as bi:
        query = "select day::text, sum(cost_usd) from daily_costs group by 1"
        assert read(bi, query) == [("2026-05-02", Decimal("1.5"))]
        team["member"].save(None, RECORD | {"cost_usd": "2", "source_key": "1" * 32})
        assert read(bi, query) == [("2026-05-02", Decimal("3.5"))]
        database.execute("select public.refresh_cost_records_daily()")
        assert read(bi, query) == [("2026-05-02", Decimal("3.5"))]


def test_nothing_that_a_role_sets_or_calls_shows_more(project: Project, team: Team) -> None:
    role = make_role(team)
    owner = team["owner"].id
    tried = [
        "select count(*) from private.cost_records_daily",
        "select count(*) from private.cost_records_2026_05",
        "select count(*) from public.api_keys",
        "select count(*) from auth.users",
        "select rolpassword from pg_authid",
        "select private.sql_days()",
        "select public.list_people(null)",
        "insert into bi.records (model) values ('x')",
        "update bi.projects set name = 'x'",
        "delete from bi.records",
        "create table bi.mine (id int)",
        "create view bi.mine as select 1",
        "set role postgres",
        "set role authenticated",
        "set session authorization postgres",
        "alter role tally_bi superuser",
        "create role tally_bi_000000000000 login",
        f"alter role {role} createrole",
    ]

    allowed = []
    with project.cluster.connect(project.name, role) as bi:
        bi.execute("set default_transaction_read_only = off")
        bi.execute("select set_config('request.jwt.claims', %s, false)", [f'{{"sub": "{owner}"}}'])
        for statement in tried:
            try:
                bi.execute(statement.encode())
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState):
                continue
            allowed.append(statement)
        for rows in ("bi.records", "public.cost_records"):
            assert read(bi, f"select count(*) from {rows}") == [(1,)]
    assert allowed == []


def test_role_is_ended_with_its_row_its_maker_and_its_workspace(
    project: Project, team: Team, database: Connection
) -> None:
    exists = "select count(*) from pg_roles where rolname = %s"
    first, second = make_role(team), make_role(team, "owner")
    with project.cluster.connect(project.name, first) as bi:
        of_admin = [team.id, team["admin"].id]
        database.execute(
            "update public.members set role = 'member' where workspace_id = %s and user_id = %s", of_admin
        )
        assert read(bi, "select count(*) from bi.records") == [(0,)]
        assert read(bi, "select count(*) from bi.daily_costs") == [(0,)]
        database.execute("delete from public.members where workspace_id = %s and user_id = %s", of_admin)
        with pytest.raises(psycopg.OperationalError):
            read(bi, "select 1")
    assert database.execute(exists, [first]).fetchall() == [(0,)]
    database.execute("delete from public.workspaces where id = %s", [team.id])
    assert database.execute(exists, [second]).fetchall() == [(0,)]


def test_role_that_left_something_behind_stops_no_deletion(
    project: Project, team: Team, database: Connection
) -> None:
    role = make_role(team)
    with project.cluster.connect(project.name, role) as bi:
        bi.execute("set default_transaction_read_only = off")
        bi.execute("select lo_create(0)")
    [[wanted]] = database.execute("select id from public.sql_roles").fetchall()
    team["admin"].ask("remove_sql_role", sql_role=wanted)
    try:
        can_log_in = database.execute(
            "select rolcanlogin from pg_roles where rolname = %s", [role]
        ).fetchall()
        assert can_log_in == [(False,)]
    finally:
        with project.cluster.connect(project.name, "supabase_admin") as admin:
            admin.execute(f"drop owned by {role}; drop role {role}".encode())


def test_roles_are_made_by_admins_alone_and_are_few(team: Team) -> None:
    assert "does not allow" in team["member"].suspect("create_sql_role", workspace=team.id, name="x")
    assert "no longer exists" in team["admin"].suspect(
        "remove_sql_role", workspace=team.id, sql_role=team["admin"].id
    )
    for _ in range(10):
        make_role(team)
    assert "10 SQL roles at most" in team["admin"].suspect("create_sql_role", workspace=team.id, name="x")


def test_the_log_says_who_made_and_removed_a_role_and_never_its_password(
    team: Team, database: Connection
) -> None:
    made = team["admin"].ask("create_sql_role", name="Metabase")
    [[wanted]] = database.execute("select id from public.sql_roles").fetchall()
    team["admin"].ask("remove_sql_role", sql_role=wanted)
    query = """select action from public.audit_logs
        where table_name = 'sql_roles' order by action"""
    assert {action for (action,) in database.execute(query)} == {"insert", "delete"}
    texts = database.execute("select l::text from public.audit_logs as l").fetchall()
    assert all(made["password"] not in text for (text,) in texts)


def test_views_are_those_that_the_document_names(database: Connection) -> None:
    query = "select table_name from information_schema.views where table_schema = 'bi' order by 1"
    assert tuple(name for (name,) in database.execute(query)) == VIEWS
    granted = """select c.oid::regclass::text from pg_class as c
        where has_table_privilege('tally_bi', c.oid, 'insert, update, delete, truncate')
            and c.relnamespace::regnamespace::text !~ '^(pg_|information_)'"""
    assert database.execute(granted).fetchall() == []
