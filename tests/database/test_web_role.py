"""The role of the dashboard's shared state: it keeps sessions and counts attempts, and nothing else."""

from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database_fixtures import Connection, Project
from tests.shared_state import allow_login

ROLE = "tally_web"
RUNS = {
    "private.account_of_web_session(text)",
    "private.close_web_session(text)",
    "private.close_web_sessions(uuid,text)",
    "private.count_attempt(bytea,integer,double precision)",
    "private.forget_attempts(bytea,boolean)",
    "private.hold_web_session(text,uuid,double precision)",
    "private.last_workspace(uuid)",
    "private.open_web_session(text,uuid,bytea,double precision,double precision,double precision,"
    "double precision,double precision)",
    "private.read_web_session(text,double precision,double precision,double precision)",
    "private.release_web_session(text,uuid)",
    "private.renew_web_session(text,bytea,double precision)",
    "private.save_last_workspace(uuid,uuid)",
    "private.schema_state()",
}
READABLE = """
select c.oid::regclass::text from pg_class as c
where c.relnamespace::regnamespace::text in ('public', 'private', 'auth')
    and c.relkind in ('r', 'v', 'm', 'p')
    and (
        has_table_privilege(%(role)s, c.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(%(role)s, c.oid, 'select, insert, update, references')
    )"""


def listed(database: Connection, query: str) -> set[str]:
    return {name for (name,) in database.execute(query.encode(), {"role": ROLE})}


def test_role_has_no_right_on_any_table_and_is_a_member_of_none(database: Connection) -> None:
    assert listed(database, READABLE) == set()
    member = "select m.roleid::regrole::text from pg_auth_members as m where m.member = %(role)s::regrole"
    assert listed(database, member) == set()


def test_role_runs_functions_of_sessions_and_attempts_and_no_other(database: Connection) -> None:
    query = """select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            and has_function_privilege(%(role)s, p.oid, 'execute')"""
    assert listed(database, query) == RUNS


def test_role_becomes_no_other_and_reads_no_session(project: Project, database: Connection) -> None:
    allow_login(database)
    with project.connect(ROLE) as web:
        for statement in (
            "set role authenticated",
            "set role postgres",
            "select * from private.web_sessions",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement.encode())


def test_sessions_end_with_their_account_and_others_stay(database: Connection, user: UUID) -> None:
    open_session = "select private.open_web_session(%s, %s, 'x', 60, 1000, 1000)"
    database.execute(open_session, ["a" * 64, user])
    database.execute(open_session, ["b" * 64, uuid4()])  # of an account that was deleted
    assert database.execute("select id from private.web_sessions").fetchall() == [("a" * 64,)]
    database.execute("select private.save_last_workspace(%s, %s)", [user, user])
    database.execute("delete from auth.users where id = %s", [user])
    for table in ("web_sessions", "last_workspaces"):
        assert database.execute(f"select from private.{table}".encode()).rowcount == 0


def test_attempts_that_count_no_longer_are_forgotten(database: Connection) -> None:
    count = "select private.count_attempt(sha256(%s), 3, 300)"
    for bucket in (b"one", b"other"):
        assert database.execute(count, [bucket]).fetchone() == (None,)
    database.execute("update private.attempts set counts_until = now() - interval '1 second'")
    assert database.execute(count, [b"third"]).fetchone() == (None,)
    assert database.execute("select bucket = sha256('third') from private.attempts").fetchall() == [(True,)]


def test_use_of_a_key_is_counted_within_a_sliding_minute(database: Connection, user: UUID) -> None:
    [[key]] = database.execute(
        """insert into public.api_keys (workspace_id, user_id, name, prefix, last_four, key_hash, scopes)
        values (%s, %s, 'k', 'tly_abcd', 'abcd', sha256('k'), '{ingest}') returning id""",
        [user, user],
    ).fetchall()

    def wait(most: int, cost: int = 1) -> float | None:
        found = database.execute(
            "select private.count_key_use(%s, 'tokens', %s, %s)", [key, most, cost]
        ).fetchone()
        return found[0] if found else None

    assert wait(100, 90) is None
    assert (wait(100, 20) or 0) > 0
    assert wait(100, 10) is None
    database.execute("update private.key_uses set minute = minute - interval '1 minute'")
    until_end = database.execute("select 60 - extract(second from now())::float8").fetchone()
    left = until_end[0] if until_end else 0.0  # of these 100, as much counts as lies within the last minute
    assert wait(100, int(102 - left * 100 / 60)) is not None
    assert wait(100, max(0, int(98 - left * 100 / 60))) is None
    database.execute("update private.key_uses set minute = minute - interval '2 minutes'")
    assert wait(100, 100) is None
    assert database.execute("select from private.key_uses").rowcount == 1
