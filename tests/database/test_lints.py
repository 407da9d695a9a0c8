"""Supabase's advisors and plpgsql_check find nothing in the schema, and find planted faults."""

import json
from collections.abc import Iterator

import pytest

from tests.database.cluster import Cluster
from tests.database_fixtures import Project

PLANTED_TABLE = """
create table public.planted (id integer, user_id uuid references auth.users (id));
grant all on public.planted to anon, authenticated;
create policy planted_all on public.planted for all to anon using (auth.uid() = user_id);
create materialized view public.planted_view as select * from public.planted;
grant select on public.planted_view to anon;"""

PLANTED_FUNCTION = """
create function public.planted() returns integer language plpgsql set search_path = '' as $$
begin
    return (select nothing from public.providers);
end
$$"""


@pytest.fixture
def advised(project: Project) -> Project:
    """A project whose database names the schema of the API; without it the advisors find less."""
    with project.connect("supabase_admin") as admin:
        admin.execute(f"alter database {project.name} set pgrst.db_schemas = 'public'")
    return project


def advise(project: Project) -> set[str]:
    """The names of the lints at WARN and above."""
    ended = project.cluster.supabase(
        "db", "advisors", "--type", "all", "--level", "warn", "--output-format", "json", database=project.name
    )
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    found = (
        said if isinstance(said, list) else next(value for value in said.values() if isinstance(value, list))
    )
    return {lint["name"] for lint in found}


@pytest.mark.new_database
def test_advisors_find_nothing(advised: Project) -> None:
    assert advise(advised) == set()


@pytest.mark.new_database
def test_advisors_find_a_planted_table(advised: Project) -> None:
    with advised.connect() as connection:
        connection.execute(PLANTED_TABLE)
    assert {"rls_disabled_in_public", "policy_exists_rls_disabled", "materialized_view_in_api"} <= advise(
        advised
    )


@pytest.fixture(scope="module")
def checked(debian_cluster: Cluster) -> Iterator[Project]:
    """A project on the server that has plpgsql_check, which only a superuser may create."""
    debian_cluster.make_project("checked")
    debian_cluster.push("checked")
    with debian_cluster.connect("checked", "supabase_admin") as admin:
        admin.execute("create extension plpgsql_check with schema extensions")
    yield Project(debian_cluster, "checked")
    debian_cluster.drop("checked")


def lint(project: Project) -> str:
    """The output of `supabase db lint` on the schemas public and private."""
    ended = project.cluster.supabase(
        "db", "lint", "--schema", "public,private", "--level", "warning", database=project.name
    )
    return ended.stdout + ended.stderr


def test_plpgsql_check_finds_nothing(checked: Project) -> None:
    assert "No schema errors found" in lint(checked)


def test_plpgsql_check_finds_a_planted_error(checked: Project) -> None:
    with checked.connect() as connection:
        connection.execute(PLANTED_FUNCTION)
        try:
            assert 'column \\"nothing\\" does not exist' in lint(checked)
        finally:
            connection.execute("drop function public.planted()")
