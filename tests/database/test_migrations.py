"""The migrations go up, down and up again, on the embedded PostgreSQL 17 and on Debian's 15 with pg_cron."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.database.catalog import read_schema
from tests.database.cluster import MIGRATIONS, Cluster
from tests.database_fixtures import Connection, Project

FILES = sorted(MIGRATIONS.glob("*.sql"))
RELEASED = MIGRATIONS.parent / "released.sha256"  # empty until the first release


@pytest.fixture(scope="module")
def seventeen(cluster: Cluster) -> Iterator[Project]:
    """The embedded server's project, pushed."""
    cluster.make_project("up_and_down")
    cluster.push("up_and_down")
    yield Project(cluster, "up_and_down")
    cluster.drop("up_and_down")


@pytest.fixture(scope="module")
def fifteen(debian_cluster: Cluster) -> Project:
    """Debian's project with pg_cron, as a hosted one has it, pushed."""
    debian_cluster.make_project("postgres")
    with debian_cluster.connect("postgres", "supabase_admin") as connection:
        connection.execute("create extension if not exists pg_cron with schema pg_catalog")
        connection.execute("grant usage on schema cron to postgres")
        connection.execute("grant all on all tables in schema cron to postgres")
    debian_cluster.push("postgres")
    return Project(debian_cluster, "postgres")


@pytest.fixture(params=["seventeen", "fifteen"])
def pushed(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Each of the servers in turn, as `postgres`."""
    project: Project = request.getfixturevalue(request.param)
    with project.connect() as connection:
        yield connection


def test_numbers_of_migrations_have_no_gap() -> None:
    numbers = [int(re.fullmatch(r"(\d{3})_[a-z_]+", path.stem)[1]) for path in FILES]  # type: ignore[index]
    assert numbers == list(range(1, len(FILES) + 1))


def find_changed(released: str, folder: Path) -> list[str]:
    """Files of a list of checksums, as sha256sum prints it, that are missing or no longer have theirs."""
    listed = [line.split(maxsplit=1) for line in released.splitlines()]
    return [
        name
        for checksum, name in listed
        if not (folder / name).exists() or sha256((folder / name).read_bytes()).hexdigest() != checksum
    ]


def test_released_migrations_are_unchanged() -> None:
    assert find_changed(RELEASED.read_text(), MIGRATIONS) == []


def test_change_of_a_released_migration_is_found() -> None:
    lines = [f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in FILES[:2]]
    assert find_changed("".join(lines), MIGRATIONS) == []
    assert find_changed("0" * 64 + f"  {FILES[0].name}\n{'0' * 64}  gone.sql\n", MIGRATIONS) == [
        FILES[0].name,
        "gone.sql",
    ]


def test_each_migration_is_at_most_300_lines() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_each_function_is_at_most_80_lines() -> None:
    pattern = re.compile(r"^create or replace function .*?^\$\$;$", re.DOTALL | re.MULTILINE)
    lines = {found: len(found.splitlines()) for path in FILES for found in pattern.findall(path.read_text())}
    assert lines
    assert {function.partition("\n")[0]: count for function, count in lines.items() if count > 80} == {}


def test_each_migration_states_its_purpose_and_has_a_down_migration() -> None:
    for path in FILES:
        back = path.parent / "down" / path.name
        assert path.read_text().startswith(f"-- {path.name}: "), path.name
        assert back.read_text().startswith(f"-- The way back from {path.name}."), path.name


def test_push_records_every_file(pushed: Connection) -> None:
    versions = pushed.execute(
        "select version from supabase_migrations.schema_migrations order by 1"
    ).fetchall()
    assert [version for (version,) in versions] == [path.stem[:3] for path in FILES]


def test_pushing_again_finds_nothing_to_do(seventeen: Project) -> None:
    assert "up to date" in seventeen.cluster.push(seventeen.name)


def test_each_file_runs_twice_without_change(pushed: Connection) -> None:
    before = read_schema(pushed)
    for path in FILES:
        with pushed.transaction():
            pushed.execute(path.read_bytes())
    assert read_schema(pushed) == before


def test_up_down_up_leaves_the_same_schema(pushed: Connection) -> None:
    before = read_schema(pushed)
    assert len(before["functions"]) > 20
    assert len(before["policies"]) > 20
    for path in reversed(FILES):
        with pushed.transaction():
            pushed.execute((path.parent / "down" / path.name).read_bytes())
    _assert_nothing_is_left(pushed)
    for path in FILES:
        for _ in range(2):
            with pushed.transaction():
                pushed.execute(path.read_bytes())
    assert read_schema(pushed) == before


def test_each_down_migration_restores_the_previous_schema(seventeen: Project) -> None:
    with seventeen.connect() as connection:
        before = [read_schema(connection)]
        for path in reversed(FILES):
            connection.execute((path.parent / "down" / path.name).read_bytes())
            if path is not FILES[0]:
                before.append(read_schema(connection))
        for path in FILES:
            connection.execute(path.read_bytes())
            assert read_schema(connection) == before.pop(), path.name


def test_users_older_than_the_schema_get_preferences_and_a_workspace(cluster: Cluster) -> None:
    cluster.make_project("late")
    try:
        with cluster.connect("late") as connection:
            connection.execute("insert into auth.users (email) values ('early@example.org')")
            for path in FILES:
                connection.execute(path.read_bytes())
            for table in ("user_preferences", "workspaces", "members"):
                assert connection.execute(f"select count(*) from public.{table}").fetchone() == (1,)
    finally:
        cluster.drop("late")


def test_cron_maintains_the_view_and_the_partitions(fifteen: Project) -> None:
    with fifteen.connect() as connection:
        jobs = connection.execute("select jobname, command from cron.job where active order by 1").fetchall()
        assert [name for name, _ in jobs] == [
            "tally-analyze",
            "tally-fold",
            "tally-partitions",
            "tally-refresh",
            "tally-vacuum",
        ]
        for _, command in jobs:
            connection.execute(command)


def test_down_migration_removes_the_schedule(fifteen: Project) -> None:
    with fifteen.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute((MIGRATIONS / "down" / "052_schedule.sql").read_bytes())
        assert connection.execute("select count(*) from cron.job").fetchone() == (0,)


def _assert_nothing_is_left(connection: Connection) -> None:
    tables = connection.execute(
        "select relname from pg_class where relnamespace::regnamespace::text in ('public', 'private')"
    ).fetchall()
    functions = connection.execute(
        """select proname from pg_proc as p
        where pronamespace::regnamespace::text in ('public', 'private')
            and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')"""
    ).fetchall()
    triggers = connection.execute(
        "select tgname from pg_trigger where tgrelid = 'auth.users'::regclass and not tgisinternal"
    ).fetchall()
    assert (tables, functions, triggers) == ([], [], [])
