"""A database that tests use in turn is as new for each of them, or is replaced."""

from collections.abc import Iterator

import pytest

from tests.database.cluster import SETTINGS, Cluster
from tests.database.reuse import Reused
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user, make_months


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Iterator[Project]:
    """A reused database of these tests."""
    reused = Reused(cluster)
    yield Project(cluster, reused.name, reused)
    reused.drop()


def restore(project: Project) -> bool:
    """Prepare the database for the next test."""
    assert project.reused is not None
    return project.reused.restore()


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows of each table and view that has any."""
    names = connection.execute(
        """select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in ('public', 'private', 'auth')
            and c.relkind in ('r', 'p', 'm')"""
    ).fetchall()
    counts = {name: connection.execute(f"select from {name}").rowcount for (name,) in names}
    return {name: count for name, count in counts.items() if count}


def test_next_test_finds_only_rows_of_the_migrations(own: Project) -> None:
    operator = own.connect("supabase_admin")
    before = count_rows(operator)
    save(own.act_as("authenticated", add_user(operator)), [record()])
    operator.execute("select public.refresh_cost_records_daily()")
    operator.execute("delete from public.providers where name = 'cohere'")
    assert len(count_rows(operator)) > len(before) + 5
    assert restore(own)
    assert count_rows(own.connect("supabase_admin")) == before
    assert set(before) == {"private.partitioned", "providers"}


@pytest.mark.parametrize(
    "change",
    [
        "create table public.leaky (id integer)",
        "alter table public.imports add column notes text",
        "alter table public.imports alter column metadata drop default",
        "alter table public.imports add constraint fails check (filename <> 'x') not valid",
        "alter table public.imports drop constraint imports_pkey cascade",
        "alter table public.imports disable trigger user",
        "alter table public.imports disable row level security",
        "alter function public.data_version(uuid) set lock_timeout = '1s'",
        "drop function public.data_version(uuid)",
        "create policy open on public.imports using (true)",
        "drop policy imports_select_member on public.imports",
        "grant select on private.stale_days to authenticated",
        "grant update (created_at) on public.imports to authenticated",
        "create index on public.imports (filename)",
        "select public.detach_partition(2026, 5)",
        "create schema other create table planted (id integer)",
    ],
)
def test_changed_schema_is_found(own: Project, change: str) -> None:
    assert own.reused is not None
    make_months(own.connect(), "2026-05-01")
    assert not own.reused.is_changed()
    with own.reused.admin.transaction(force_rollback=True):
        own.reused.admin.execute(change.encode())
        assert own.reused.is_changed()


def test_database_with_another_schema_is_replaced(cluster: Cluster) -> None:
    changed = Reused(cluster)
    changed.connect("supabase_admin").execute("create table public.leaky (id integer)")
    assert not changed.restore()
    changed.drop()


def test_connection_of_the_test_before_is_as_new(own: Project) -> None:
    user = add_user(own.connect())
    person = own.act_as("authenticated", user)
    server = person.info.backend_pid
    person.autocommit = False
    person.execute("set lock_timeout = '1s'")
    person.execute("select pg_advisory_lock(1)")
    assert restore(own)
    other = own.connect("authenticator")
    assert other.info.backend_pid == server
    found = other.execute(
        """select current_user, current_setting('lock_timeout'), current_setting('request.jwt.claims', true),
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())"""
    ).fetchone()
    assert found == ("authenticator", SETTINGS["lock_timeout"], "", 0)
    assert other.autocommit


def test_connection_is_lent_to_one_at_a_time(own: Project) -> None:
    with own.connect() as first, own.connect() as second:
        assert first is not second
    with own.connect() as again:
        assert again in (first, second)
        assert own.connect() is not again


def test_database_of_many_months_is_replaced(own: Project) -> None:
    """Comes last: the months stay."""
    assert restore(own)
    make_months(own.connect(), "2024-01-01", "2025-12-01")
    assert not restore(own)
