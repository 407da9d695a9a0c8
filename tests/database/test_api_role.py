"""The role of the process that answers programs: it verifies keys, acts as accounts, and nothing else."""

import json
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from tests.database_fixtures import Connection, Project, add_user

ROLE = "tally_api"


@pytest.fixture
def api(project: Project) -> Iterator[Connection]:
    """A connection of the role itself."""
    with project.connect(ROLE) as connection:
        yield connection


def listed(database: Connection, query: str) -> set[str]:
    return {name for (name,) in database.execute(query.encode(), [ROLE])}


def test_role_may_log_in_and_is_a_member_of_authenticated_alone(database: Connection) -> None:
    attributes = """select rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
            rolreplication
        from pg_roles where rolname = %s"""
    assert database.execute(attributes, [ROLE]).fetchall() == [(True, *[False] * 6)]
    memberships = """select m.roleid::regrole::text from pg_auth_members as m
        where m.member = %s::regrole and not m.admin_option"""
    assert listed(database, memberships) == {"authenticated"}


def test_role_itself_has_no_right_on_any_table_or_column(database: Connection) -> None:
    readable = """select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
            and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S')
            and case when c.relkind = 'S'
                then has_sequence_privilege(r.name, c.oid, 'usage, select, update')
                else has_table_privilege(
                        r.name, c.oid, 'select, insert, update, delete, truncate, references, trigger'
                    )
                    or has_any_column_privilege(r.name, c.oid, 'select, insert, update, references') end"""
    query = readable.replace(
        "from pg_class as c", "from pg_class as c cross join (select %s::name) as r (name)"
    )
    assert listed(database, query) == set()


RUNS = {
    "private.verify_api_key(bytea)",
    "private.touch_api_key(uuid)",
    "private.count_key_use(uuid,text,bigint,bigint)",
    "private.schema_state()",
    # For an account, which they ask for: see tally.telemetry.save.
    "private.count_telemetry(uuid,bigint,bigint,bigint,bigint)",
    "private.label_calls(uuid,uuid[],timestamp with time zone[],json)",
    "private.load_known_calls(uuid,uuid[],uuid[])",
    "private.source_of_key(uuid,text,text)",
    "private.store_known_calls(uuid,json,json)",
    "private.take_back_calls(uuid,uuid[],uuid[],timestamp with time zone[],uuid[])",
}


def test_role_itself_runs_functions_of_keys_and_telemetry_and_no_other_of_ours(database: Connection) -> None:
    query = """select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            and has_function_privilege(%s, p.oid, 'execute')"""
    assert listed(database, query) == RUNS


def test_role_changes_no_telemetry_without_a_member(
    api: Connection, database: Connection, user: UUID
) -> None:
    stranger = add_user(database)
    [[key]] = database.execute(
        """insert into public.api_keys (workspace_id, user_id, name, prefix, last_four, key_hash, scopes)
        values (%s, %s, 'k', 'tly_abcd', 'abcd', sha256('k'), '{ingest}') returning id""",
        [user, user],
    ).fetchall()
    calls = {
        "load_known_calls(%s, '{}', '{}')": user,
        "store_known_calls(%s, '[]', '[]')": user,
        "label_calls(%s, '{}', '{}', '[]')": user,
        "take_back_calls(%s, '{}', '{}', '{}', '{}')": user,
        "source_of_key(%s, 'shop', 'telemetry')": key,
    }
    for claims in ("", f'{{"sub": "{stranger}"}}'):
        api.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        for call, argument in calls.items():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                api.execute(f"select private.{call}".encode(), [argument])
    api.execute("select set_config('request.jwt.claims', %s, false)", [f'{{"sub": "{user}"}}'])
    for call, argument in calls.items():
        api.execute(f"select private.{call}".encode(), [argument])


def test_role_itself_makes_nothing(database: Connection) -> None:
    query = """select nspname from pg_namespace
        where has_schema_privilege(%s, oid, 'create') and nspname !~ '^pg_'"""
    assert listed(database, query) == set()


@pytest.mark.parametrize(
    "role", ["postgres", "service_role", "anon", "supabase_admin", "supabase_auth_admin"]
)
def test_role_becomes_no_other(api: Connection, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(f"set role {role}".encode())


def test_role_acting_as_an_account_sees_that_account_alone(
    api: Connection, database: Connection, user: UUID
) -> None:
    stranger = add_user(database)
    for account in (user, stranger):
        with api.transaction():
            api.execute("set local role authenticated")
            claims = f'{{"sub": "{account}", "role": "authenticated"}}'
            api.execute("select set_config('request.jwt.claims', %s, true)", [claims])
            assert api.execute("select user_id from public.user_preferences").fetchall() == [(account,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
                api.execute("select private.verify_api_key('x')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("select encrypted_api_key from public.api_credentials")


def test_log_says_that_a_key_made_what_the_role_makes_for_an_account(
    database: Connection, api: Connection
) -> None:
    account = add_user(database)
    claims = json.dumps({"sub": str(account), "role": "authenticated"})
    with api.transaction():
        api.execute("set local role authenticated")
        api.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        api.execute(
            "insert into public.imports (filename, format, file_sha256) values ('f', 'f', repeat('0', 64))"
        )
    query = "select actor, actor_id from public.audit_logs where table_name = 'imports'"
    assert database.execute(query).fetchall() == [("key", account)]
