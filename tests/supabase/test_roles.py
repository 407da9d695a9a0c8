"""Database roles as in a hosted project; the auth server can access only its own schema."""

import json
import subprocess
import uuid

import psycopg
import pytest
from supabase import create_client

from tally.local.node import STACK_FOLDER, find_node
from tally.local.stack import Stack
from tests.supabase.parts import connect

AUTH_ROLE = "supabase_auth_admin"


def test_auth_server_cannot_read_any_table_of_the_api(stack: Stack) -> None:
    with connect(stack) as operator:
        tables = operator.execute(
            "select format('%I.%I', relnamespace::regnamespace, relname) from pg_class"
            " where relkind in ('r', 'p', 'v', 'm')"
            " and relnamespace in ('public'::regnamespace, 'private'::regnamespace)"
        ).fetchall()
    assert len(tables) > 10
    with connect(stack, AUTH_ROLE) as auth:
        for (table,) in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auth.execute(f"select * from {table}")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "postgres", "supabase_admin"])
def test_auth_server_cannot_become_another_role(stack: Stack, role: str) -> None:
    with connect(stack, AUTH_ROLE) as auth, pytest.raises(psycopg.errors.InsufficientPrivilege):
        auth.execute(f"set role {role}")


@pytest.mark.parametrize("schema", ["public", "extensions", "private"])
def test_auth_server_cannot_create_outside_its_schema(stack: Stack, schema: str) -> None:
    with connect(stack, AUTH_ROLE) as auth, pytest.raises(psycopg.errors.InsufficientPrivilege):
        auth.execute(f"create table {schema}.intruder ()")


def test_auth_server_reads_its_own_users(stack: Stack) -> None:
    with connect(stack, AUTH_ROLE) as auth:
        assert auth.execute("select count(*) from auth.users").fetchone() is not None


def test_private_field_that_keeps_lite_from_granting_tables_exists() -> None:
    """At `unknown`, lite's first request grants all tables to anon. Check again if the field is renamed."""
    script = """
        import { createPostgresConnection } from "@supabase/lite/postgres";
        import { readFileSync } from "node:fs";
        const version = JSON.parse(readFileSync("node_modules/@supabase/lite/package.json")).version;
        const connection = createPostgresConnection({ url: "postgresql://nobody@127.0.0.1:1/none" });
        console.log(JSON.stringify({ version, state: connection.rlsState }));
    """
    command = [str(find_node().program), "--input-type=module", "--eval", script]
    shown = subprocess.run(command, cwd=STACK_FOLDER, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == {"version": "0.10.0", "state": "unknown"}


def test_using_the_auth_server_grants_nothing_to_anon(stack: Stack) -> None:
    client = create_client(stack.settings()["SUPABASE_URL"], stack.keys.publishable_key)
    client.auth.sign_up({"email": f"{uuid.uuid4()}@example.com", "password": "correct horse"})
    with connect(stack) as operator:
        granted = operator.execute(
            "select oid::regclass::text from pg_class where relkind in ('r', 'p', 'v', 'm')"
            " and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'auth'::regnamespace)"
            " and has_table_privilege('anon', oid, 'select, insert, update, delete')"
        ).fetchall()
    assert granted == []


def test_auth_uid_is_the_function_of_hosted_supabase(stack: Stack) -> None:
    user_id = uuid.uuid4()
    with connect(stack) as operator:
        owner = operator.execute(
            "select proowner::regrole::text from pg_proc where oid = 'auth.uid()'::regprocedure"
        )
        assert owner.fetchone() == ("supabase_admin",)
        operator.execute(
            "select set_config('request.jwt.claims', %s, false)", [json.dumps({"sub": str(user_id)})]
        )
        assert operator.execute("select auth.uid()").fetchone() == (user_id,)


def test_migrations_do_not_run_as_superuser(stack: Stack) -> None:
    with connect(stack) as operator:
        row = operator.execute(
            "select rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == (False, True, True)
        owner = operator.execute(
            "select datdba::regrole::text from pg_database where datname = current_database()"
        )
        assert owner.fetchone() == ("postgres",)


def test_migrations_can_reference_users_add_triggers_and_delete_users(stack: Stack) -> None:
    client = create_client(stack.settings()["SUPABASE_URL"], stack.keys.publishable_key)
    answer = client.auth.sign_up({"email": f"{uuid.uuid4()}@example.com", "password": "correct horse"})
    assert answer.user is not None
    with connect(stack) as operator:
        operator.autocommit = False
        operator.execute("create table private.linked (id uuid references auth.users (id) on delete cascade)")
        operator.execute(
            "create function private.link_user() returns trigger language plpgsql as 'begin return new; end'"
        )
        operator.execute(
            "create trigger link_user after insert on auth.users"
            " for each row execute function private.link_user()"
        )
        operator.execute("insert into private.linked values (%s)", [answer.user.id])
        operator.execute("delete from auth.users where id = %s", [answer.user.id])
        assert operator.execute("select count(*) from private.linked").fetchone() == (0,)
        operator.rollback()


def test_each_login_role_has_its_own_password(stack: Stack) -> None:
    passwords = stack.keys.passwords
    assert len(set(passwords.values())) == len(passwords) == 5
    for role in passwords:
        with connect(stack, role) as connection:
            assert connection.execute("select current_user").fetchone() == (role,)


def test_statement_statistics_contain_no_password(stack: Stack) -> None:
    with connect(stack, "supabase_admin") as superuser:
        statements = [row[0] for row in superuser.execute("select query from extensions.pg_stat_statements")]
    assert any("alter role" in statement for statement in statements)
    assert not any(password in text for text in statements for password in stack.keys.passwords.values())


def test_database_listens_on_loopback_only_and_requires_passwords(stack: Stack) -> None:
    with connect(stack, "supabase_admin") as superuser:
        shown = superuser.execute(
            "select current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        ).fetchone()
        methods = superuser.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
    assert shown == ("127.0.0.1", "")
    assert methods == [("scram-sha-256",)]
