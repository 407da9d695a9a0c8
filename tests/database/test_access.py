"""Row-level security as a matrix over the catalogs: an undeclared table or function fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.sql import Composed

from tests.database.access import (
    ABOUT_A_PERSON,
    API_ROLES,
    COMMANDS,
    EXECUTED_BY,
    MADE_AT_SIGN_UP,
    NEEDS_ROLE,
    OF_ONE_USER,
    OUTSIDERS,
    READ_BY_EVERYONE,
    READ_BY_OWNER,
    ROLES,
    SAMPLE,
    SPLITS,
    VIEWS,
    WRITTEN_BY_NOBODY,
    WRITTEN_BY_OWNER,
    another_row,
    count_rows,
    expected,
    expected_of_outsider,
    expected_of_role,
    fill_workspace,
    insert,
    list_columns,
    list_functions,
    list_tables,
    list_workspace_functions,
    sample_row,
    statement,
)
from tests.database_fixtures import Connection, Project, add_user

Act = Callable[[UUID], Connection]
ROLE_OF = {"owner": "authenticated", "stranger": "authenticated", "anon": "anon", "service": "service_role"}


@pytest.fixture
def actors(
    database: Connection, as_user: Act, anon: Connection, service: Connection, user: UUID, stranger: UUID
) -> dict[str, Connection]:
    """All actors, in a database where only the owner has rows: one in each table."""
    for table in sorted((WRITTEN_BY_OWNER | READ_BY_OWNER | WRITTEN_BY_NOBODY) - MADE_AT_SIGN_UP - VIEWS):
        database.execute(insert(table, sample_row(database, table, user)))
    database.execute(
        "insert into public.exchange_rates (day, currency, rate) values ('2026-05-01', 'USD', 1.1)"
    )
    database.execute("delete from public.user_preferences where user_id = %s", [stranger])
    return {"owner": as_user(user), "stranger": as_user(stranger), "anon": anon, "service": service}


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace with people of each role and outside, and what those inside have brought."""

    id: UUID
    users: dict[str, UUID]
    connections: dict[str, Connection]
    database: Connection


@pytest.fixture(scope="module")
def team(module_project: Project) -> Team:
    """A shared workspace; what tests do with it is undone."""
    database, workspace_id = module_project.connect(), uuid4()
    users = {role: add_user(database) for role in (*ROLES, *OUTSIDERS)}
    fill_workspace(database, workspace_id, users)
    database.execute(
        "insert into public.exchange_rates (day, currency, rate) values ('2026-05-01', 'USD', 1.1)"
    )
    people = {role: module_project.act_as("authenticated", user_id) for role, user_id in users.items()}
    others = {role: module_project.act_as(role) for role in ("anon", "service_role")}
    return Team(workspace_id, users, people | others, database)


def _outcome(connection: Connection, query: Composed) -> str:
    """Execute a statement, undo it, and return its outcome."""
    try:
        with connection.transaction(force_rollback=True):
            return "own" if connection.execute(query).rowcount else "nothing"
    except psycopg.errors.InsufficientPrivilege:
        return "denied"
    except (psycopg.errors.ForeignKeyViolation, psycopg.errors.CheckViolation):
        return "own"  # allowed, and refused only because the row is in use
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.ObjectNotInPrerequisiteState):
        return "denied"  # not a view that takes rows


def test_every_table_is_declared(database: Connection) -> None:
    declared = WRITTEN_BY_OWNER | READ_BY_OWNER | READ_BY_EVERYONE | WRITTEN_BY_NOBODY
    assert set(list_tables(database)) == declared
    assert set(SAMPLE) == set(list_tables(database))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_table_answers_every_actor_as_declared(
    actors: dict[str, Connection], database: Connection, user: UUID, stranger: UUID, command: str
) -> None:
    if command == "insert":
        database.execute("delete from public.user_preferences where user_id = %s", [user])
    for table in list_tables(database):
        row = another_row(database, table, user) if command == "insert" else {}
        row |= {"user_id": stranger} if table == "members" else {}
        query = statement(command, table, row, user)
        outcomes = {actor: _outcome(connection, query) for actor, connection in actors.items()}
        assert outcomes == {actor: expected(actor, table, command) for actor in actors}, (table, command)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_table_answers_every_role_as_declared(team: Team, command: str, split: str) -> None:
    database, others = team.database, {"user_id": team.users["stranger"]}
    database.execute("update public.workspaces set person_split = %s where id = %s", [split, team.id])
    for table in list_tables(database):
        if (command, table) == ("insert", "user_preferences"):
            database.execute("delete from public.user_preferences")
        for role in ROLES:
            row = another_row(database, table, team.users[role], team.id) if command == "insert" else {}
            row |= others if table == "members" else {}
            reached = _count_reached(team.connections[role], statement(command, table, row, team.id))
            outcome = expected_of_role(role, table, command, split)
            rows = {"denied": None, "nothing": 0}
            if command == "insert":
                rows["own"] = 1
            elif outcome == "own":
                rows["own"] = count_rows(database, table, team.id, team.users[role])
            rows["all"] = count_rows(database, table, team.id)
            assert reached == rows[outcome], (role, table, command)
    database.execute(
        "insert into public.user_preferences (user_id) select id from auth.users on conflict do nothing"
    )


def _count_reached(connection: Connection, query: Composed) -> int | None:
    """Execute a statement, undo it, and return its number of rows; None where it is refused."""
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(query).rowcount
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported):
        return None
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return None  # not a view that takes rows


@pytest.mark.parametrize("actor", OUTSIDERS)
def test_outsiders_reach_nothing(team: Team, actor: str) -> None:
    for table in sorted(set(list_tables(team.database)) - READ_BY_EVERYONE - OF_ONE_USER):
        row = another_row(team.database, table, team.users[actor], team.id)
        for command in COMMANDS:
            reached = _count_reached(team.connections[actor], statement(command, table, row, team.id))
            rows = {"denied": None, "nothing": 0}
            assert reached == rows[expected_of_outsider(table, command)], (table, command)


def test_every_function_of_a_workspace_asks_for_its_role(team: Team) -> None:
    functions = list_workspace_functions(team.database)
    assert len(functions) >= 13
    assert set(functions) >= set(NEEDS_ROLE)
    for name, call in functions.items():
        for actor in OUTSIDERS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="You are not a member"):
                team.connections[actor].execute(call, [team.id])
        for role in ROLES:
            connection, denied = team.connections[role], False
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(call, [team.id])
            except psycopg.errors.InsufficientPrivilege as error:
                denied = "Your role in this workspace does not allow this" in str(error)
            except psycopg.errors.InvalidParameterValue:
                pass  # a null where a value is needed
            needed = NEEDS_ROLE.get(name, "viewer")
            assert denied == (ROLES.index(role) < ROLES.index(needed)), (name, role)


REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
# Arguments of functions that name something of the workspace.
NAMED = {
    "workspace": "{workspace}",
    "user_id": "{workspace}",
    "person": "{member}",
    "people": "{{{member}}}",
    "import_id": "(select id from public.imports where workspace_id = '{workspace}' limit 1)",
    "credential_id": "(select id from public.api_credentials where workspace_id = '{workspace}' limit 1)",
    "channel": "(select id from public.channels where workspace_id = '{workspace}' limit 1)",
    "api_key": "(select id from public.api_keys where workspace_id = '{workspace}' and user_id = '{member}')",
    "details": '{{"name": "Taken over"}}',
    "is_paused": "true",
    "invitation": "(select id from public.invitations where workspace_id = '{workspace}' limit 1)",
    "project": "(select id from public.projects where workspace_id = '{workspace}' limit 1)",
    "token": "guessed",
    "role": "owner",
    "name": "Team",
    "email": "new@example.org",
    "records": "[]",
    "changes": "[]",
    "rules": "[]",
    "aliases": "[]",
    "is_plan": "true",
    "is_private": "false",
    "person_split": "everyone",
    "monthly_usd": "1",
    "keys": "{{}}",
    "overlap": "60",
    "first_day": "2026-01-01",
    "last_day": "2026-12-31",
    "run_id": "11111111-1111-4111-8111-111111111111",
}


def list_calls(team: Team) -> dict[str, tuple[str, list[Any]]]:
    """Every function with arguments that name what the workspace has, as far as they are known."""
    names = {"workspace": team.id, "member": team.users["member"]}
    known: dict[str, Any] = {}
    for argument, template in NAMED.items():
        known[argument] = template.format(**names)
        if known[argument].startswith("("):
            [[known[argument]]] = team.database.execute(f"select {known[argument]}").fetchall()
    found = team.database.execute(
        """select proname, array(select format_type(t, null) from unnest(proargtypes::oid[]) as t),
            coalesce(proargnames, '{}')
        from pg_proc where pronamespace = 'public'::regnamespace"""
    ).fetchall()
    return {
        name: (
            f"select public.{name}({', '.join(f'%s::{kind}' for kind in types)})",
            [known.get(argument) for argument in arguments[: len(types)]],
        )
        for name, types, arguments in found
    }


def everything_of(team: Team) -> dict[str, list[Any]]:
    """All rows of the workspace."""
    rows = {}
    for table in sorted(set(list_tables(team.database)) - READ_BY_EVERYONE - OF_ONE_USER - VIEWS):
        key = "id" if table == "workspaces" else "workspace_id"
        query = f"select t::text from public.{table} as t where {key} = %s order by 1"
        rows[table] = team.database.execute(query, [team.id]).fetchall()
    return rows


@pytest.mark.parametrize("actor", [*OUTSIDERS, "viewer"])
def test_who_may_not_write_changes_nothing_with_any_function(team: Team, actor: str) -> None:
    before = everything_of(team)
    calls = list_calls(team)
    assert set(calls) == set(EXECUTED_BY)
    answered, sentences = set(), []
    for name, (call, values) in calls.items():
        if (actor, name) == ("viewer", "leave_workspace"):
            continue
        try:
            team.connections[actor].execute(call, values)
            answered.add(name)
        except (*REFUSALS, psycopg.errors.ForeignKeyViolation) as error:
            sentences.append(str(error))
    assert everything_of(team) == before
    assert not [text for text in sentences if str(team.users["owner"]) in text or "violates" in text]
    if actor != "viewer":
        # There is no source or view that could be deleted, as after it has been done.
        assert answered == {
            "create_workspace",
            "delete_source",
            "delete_view",
            "ensure_months",
            "list_workspaces",
            "owns_installation",
            "stop_digests",  # the same answer to any token
        }


def test_nobody_reads_the_hash_of_a_token(team: Team) -> None:
    for connection in team.connections.values():
        for columns in ("token_sha256", "*"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select {columns} from public.invitations")


def test_nobody_reads_or_filters_by_the_hash_of_a_key(team: Team) -> None:
    [[digest]] = team.database.execute(
        "select key_hash from public.api_keys where user_id = %s", [team.users["member"]]
    ).fetchall()
    for connection in team.connections.values():
        for query in (
            "select key_hash from public.api_keys",
            "select * from public.api_keys",
            "select k from public.api_keys as k",
            "select id from public.api_keys where key_hash = %(digest)s",
            "select id from public.api_keys order by key_hash",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query, {"digest": digest})


def test_nobody_reads_the_target_of_a_channel(team: Team) -> None:
    for connection in team.connections.values():
        for columns in ("sealed_target", "confirmation_sha256", "stop_sha256", "*"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select {columns} from public.channels")


def test_nobody_can_give_away_or_take_over_a_row(
    actors: dict[str, Connection], database: Connection, stranger: UUID
) -> None:
    for table in WRITTEN_BY_OWNER:
        columns = {"user_id", "workspace_id", "id"} & list_columns(database)[table]
        for column in columns - ({"user_id"} if table in ABOUT_A_PERSON else set()):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                actors["owner"].execute(f"update public.{table} set {column} = %s", [stranger])


def test_nobody_can_write_in_the_name_of_another(
    actors: dict[str, Connection], database: Connection, user: UUID, stranger: UUID
) -> None:
    for table in WRITTEN_BY_OWNER - {"user_preferences"}:
        row = sample_row(database, table, user)
        row |= {"credential_name": "another"} if table == "api_credentials" else {}
        of_another = [] if "user_id" not in row or table in ABOUT_A_PERSON else [{"user_id": stranger}]
        for change in (*of_another, {"workspace_id": stranger}):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                actors["owner"].execute(insert(table, row | change))


# Columns that the database or the nightly run writes, never a caller.
NOT_WRITTEN = {
    "created_at", "updated_at", "money_is_effective", "tokens_are_effective", "subscription_id", "model_key",
    "validation_status", "last_validated_at", "last_sync_at", "next_sync_at", "last_error",
}  # fmt: skip


def test_callers_write_only_columns_that_are_theirs(database: Connection) -> None:
    written = database.execute(
        """
        select a.attrelid::regclass::text, a.attname
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0
            and not a.attisdropped
            and has_column_privilege('authenticated', c.oid, a.attnum, 'insert, update')"""
    ).fetchall()
    assert ("cost_records", "metadata") in written
    assert [name for name in written if name[1] in NOT_WRITTEN] == []
    assert {table for table, _ in written} == WRITTEN_BY_OWNER | {"anomalies"}


def test_owner_can_mute_an_anomaly_and_change_nothing_else(actors: dict[str, Connection]) -> None:
    version = "select public.data_version()"
    before = actors["owner"].execute(version).fetchone()
    mute = "update public.anomalies set muted_at = now()"
    assert actors["stranger"].execute(mute).rowcount == 0
    assert actors["owner"].execute(mute).rowcount == 1
    assert actors["owner"].execute(version).fetchone() != before
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        actors["owner"].execute("update public.anomalies set actual_usd = 0")


def test_every_function_is_declared_and_only_declared_roles_execute_it(
    actors: dict[str, Connection], database: Connection
) -> None:
    functions = list_functions(database)
    assert set(functions) == set(EXECUTED_BY)
    for name, call in functions.items():
        for actor, connection in actors.items():
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(call)
                denied = False
            except psycopg.Error as error:
                denied = f"permission denied for function {name}" in str(error)
            assert denied == (ROLE_OF[actor] not in EXECUTED_BY[name]), (name, actor)


def test_public_role_executes_none_of_our_functions(database: Connection) -> None:
    found = database.execute(
        """
        select p.oid::regprocedure::text
        from pg_proc as p
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        where p.pronamespace::regnamespace::text in ('public', 'private') and a.grantee = 0"""
    ).fetchall()
    assert found == []


def test_a_stranger_learns_nothing_from_functions(
    actors: dict[str, Connection], database: Connection, user: UUID
) -> None:
    stranger = actors["stranger"]
    for call in (
        "select public.get_user_total_spend(%s, '2026-01-01', '2027-01-01')",
        "select * from public.get_top_models_by_spend(%s, '2026-01-01', '2027-01-01', 5)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute(call, [user])
    assert stranger.execute("select public.daily_costs() ->> 'date'").fetchone() == ("[]",)
    for refresh in ("select 1", "select public.refresh_cost_records_daily()"):
        database.execute(refresh)
        assert actors["owner"].execute(
            "select json_array_length(public.daily_costs() -> 'date')"
        ).fetchone() == (2,)
        assert stranger.execute("select json_array_length(public.daily_costs() -> 'date')").fetchone() == (0,)


CALLED_BY_POLICIES = [
    "hidden_projects",
    "hidden_subscriptions",
    "own_sources",
    "workspaces_as",
    "workspaces_showing_people",
    "workspaces_showing_totals",
]


def test_no_api_role_reaches_anything_private(database: Connection) -> None:
    roles = [*API_ROLES, "authenticator"]
    for role in roles:
        for privilege in ("usage", "create"):
            assert database.execute(
                "select has_schema_privilege(%s, 'private', %s)", [role, privilege]
            ).fetchone() == (False,)
    reached = database.execute(
        """
        with role as (select unnest(%s::text[]) as name),
        relation as (select oid, relkind from pg_class where relnamespace = 'private'::regnamespace)
        select role.name, 'table ' || relation.oid::regclass
        from role, relation
        where relation.relkind in ('r', 'p', 'v', 'm', 'f') and (
            has_table_privilege(role.name, relation.oid,
                'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege(role.name, relation.oid, 'select, insert, update, references'))
        union all
        select role.name, 'sequence ' || relation.oid::regclass
        from role, relation
        where relation.relkind = 'S'
            and has_sequence_privilege(role.name, relation.oid, 'usage, select, update')
        union all
        select role.name, 'function ' || p.oid::regprocedure
        from role, pg_proc as p
        where p.pronamespace = 'private'::regnamespace and has_function_privilege(role.name, p.oid, 'execute')
            and not (role.name = 'authenticated' and p.proname = any (%s))
        union all
        select role.name, 'type ' || t.oid::regtype
        from role, pg_type as t
        left join pg_class as c on t.typrelid = c.oid
        where t.typnamespace = 'private'::regnamespace and t.typelem = 0
            and coalesce(c.relkind = 'c', true) -- the type of a table's row has no privileges of its own
            and has_type_privilege(role.name, t.oid, 'usage')""",
        [roles, CALLED_BY_POLICIES],
    ).fetchall()
    assert reached == []
    found = database.execute(
        "select count(*) from pg_class where relnamespace = 'private'::regnamespace"
    ).fetchone()
    assert found is not None
    assert found[0] > 50


@pytest.mark.parametrize("actor", ROLE_OF)
def test_selecting_from_anything_private_is_refused(
    actors: dict[str, Connection], database: Connection, actor: str
) -> None:
    relations = database.execute(
        """select oid::regclass::text from pg_class
        where relnamespace = 'private'::regnamespace and relkind in ('r', 'p', 'v', 'm')"""
    ).fetchall()
    assert ("private.cost_records_daily",) in relations
    for (relation,) in relations:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema private"):
            actors[actor].execute(f"select from {relation}")


def test_no_api_role_is_member_of_a_stronger_one(database: Connection) -> None:
    found = database.execute(
        """select m.member::regrole::text, m.roleid::regrole::text from pg_auth_members as m
        where m.member::regrole::text = any (%s)""",
        [list(API_ROLES)],
    ).fetchall()
    assert found == []


def test_every_table_has_row_level_security(database: Connection) -> None:
    without = database.execute(
        """select oid::regclass::text from pg_class
        where relnamespace::regnamespace::text in ('public', 'private') and relkind in ('r', 'p')
            and not relrowsecurity"""
    ).fetchall()
    assert without == []


def test_every_function_pins_its_search_path(database: Connection) -> None:
    loose = database.execute(
        """select oid::regprocedure::text from pg_proc
        where pronamespace::regnamespace::text in ('public', 'private')
            and not coalesce(proconfig, '{}') @> array['search_path=""']"""
    ).fetchall()
    assert loose == []


def test_a_new_table_without_rules_is_caught(database: Connection) -> None:
    database.execute("create table public.leaky (id uuid primary key)")
    assert "leaky" in list_tables(database)
    with pytest.raises(AssertionError):
        test_every_table_is_declared(database)
    with pytest.raises(AssertionError):
        test_every_table_has_row_level_security(database)
