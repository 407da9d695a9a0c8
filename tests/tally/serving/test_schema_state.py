"""A program fits the schema from the migration that it needs to the one that stops serving it."""

import psycopg
import pytest

from tally.serving import schema_state
from tally.serving.schema_state import SchemaProblem, check_schema, own_version
from tests.database_fixtures import Connection, Project
from tests.shared_state import allow_login

pytestmark = pytest.mark.new_database  # its functions and versions change

APPLY = "insert into supabase_migrations.schema_migrations (version) values (%s)"
SERVE_FROM = """
create or replace function private.serves_from() returns text language sql immutable set search_path = ''
as $$ select '{}' $$"""


@pytest.mark.parametrize("role", ["tally_api", "tally_web", "postgres"])
def test_schema_with_all_migrations_fits_for_each_role(
    role: str, project: Project, database: Connection
) -> None:
    allow_login(database)
    with project.connect(role) as connection:
        check_schema(connection)


def test_newer_schema_is_fine_until_it_says_otherwise(database: Connection) -> None:
    database.execute(APPLY, ["998"])
    check_schema(database)
    database.execute(SERVE_FROM.format("998").encode())
    with pytest.raises(SchemaProblem, match=r"serves programs from migration 998 on.*Replace it"):
        check_schema(database)


def test_program_of_a_newer_version_waits_for_its_migrations(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_state, "own_version", lambda: "997")
    with pytest.raises(
        SchemaProblem, match=f"has migration {own_version()}.*needs 997. Apply the migrations"
    ):
        check_schema(database)
    database.execute(APPLY, ["997"])
    check_schema(database)


def test_database_without_the_function_lacks_migrations(database: Connection) -> None:
    database.execute("drop function private.schema_state()")
    with pytest.raises(SchemaProblem, match="lacks migrations"):
        check_schema(database)


def test_number_is_not_judged_where_nobody_noted_it(database: Connection) -> None:
    database.execute("alter table supabase_migrations.schema_migrations rename to elsewhere")
    check_schema(database)
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.execute("select from supabase_migrations.schema_migrations")
