"""The queue's schema: made once, replaced with another version, and closed to the API."""

import psycopg
import pytest

from forecasting.jobs.schema import install_schema
from tests.database_fixtures import Connection, Project

pytestmark = pytest.mark.new_database

ROLES = ("anon", "authenticated", "service_role", "authenticator")
OBJECTS = """
select c.oid::regclass::text, c.relkind::text from pg_class as c
where c.relnamespace = 'jobs'::regnamespace and c.relkind in ('r', 'S')
order by 1"""
FUNCTIONS = "select p.oid::regprocedure::text from pg_proc as p where p.pronamespace = 'jobs'::regnamespace"


def add_job(database: Connection) -> None:
    database.execute("set search_path = jobs")
    database.execute("insert into procrastinate_jobs (queue_name, task_name) values ('default', 'kept')")


def test_schema_is_made_once(database: Connection) -> None:
    assert install_schema(database)
    add_job(database)
    assert not install_schema(database)
    assert database.execute("select task_name from jobs.procrastinate_jobs").fetchall() == [("kept",)]


def test_schema_of_another_version_is_replaced(database: Connection) -> None:
    install_schema(database)
    add_job(database)
    database.execute("comment on schema jobs is 'procrastinate 2.0.0'")
    assert install_schema(database)
    assert database.execute("select from jobs.procrastinate_jobs").rowcount == 0


def test_half_a_schema_is_never_left(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecasting.jobs.schema.CLOSE", "select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        install_schema(database)
    assert database.execute("select to_regnamespace('jobs')").fetchone() == (None,)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_api_reaches_the_queue(role: str, database: Connection) -> None:
    """Neither the schema nor anything in it, should the schema be opened by mistake."""
    install_schema(database)
    objects = database.execute(OBJECTS).fetchall()
    functions = [name for (name,) in database.execute(FUNCTIONS)]
    assert len(objects) >= 8
    assert len(functions) >= 10
    allowed = "select has_schema_privilege(%s, 'jobs', 'usage') or has_schema_privilege(%s, 'jobs', 'create')"
    assert database.execute(allowed, [role, role]).fetchone() == (False,)
    for name, kind in objects:
        test, rights = ("sequence", "usage, select, update")
        if kind == "r":
            test, rights = ("table", "select, insert, update, delete, truncate, references, trigger")
        query = f"select has_{test}_privilege(%s, %s, %s)"
        assert database.execute(query, [role, name, rights]).fetchone() == (False,), name
    for name in functions:
        query = "select has_function_privilege(%s, %s, 'execute')"
        assert database.execute(query, [role, name]).fetchone() == (False,), name


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_queue_cannot_be_read_as_a_role_of_the_api(role: str, project: Project, database: Connection) -> None:
    install_schema(database)
    with project.act_as(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select from jobs.procrastinate_jobs")
