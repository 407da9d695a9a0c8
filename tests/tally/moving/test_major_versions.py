"""From PostgreSQL 15 to 17: the same to the last digit, by a backup's dump and by an export of everything."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import IsolationLevel

from tally.backups.programs import dumping, restore_dump
from tally.backups.totals import load_totals
from tally.moving.arriving import import_workspace
from tally.moving.file import ExportFile
from tally.moving.leaving import export_workspace
from tally.storage.postgres import PostgresDatabase
from tests.database.cluster import Cluster
from tests.database_fixtures import Project, add_user
from tests.tally.moving.houses import furnish, inventory


@pytest.fixture(scope="module")
def old(debian_cluster: Cluster) -> Iterator[Project]:
    """A migrated database on 15."""
    project = Project(debian_cluster, f"old_{uuid4().hex[:8]}")
    debian_cluster.make_project(project.name)
    debian_cluster.push(project.name)
    yield project
    debian_cluster.drop(project.name)


@pytest.fixture(scope="module")
def house(old: Project) -> Iterator[PostgresDatabase]:
    with old.connect() as connection:
        database = PostgresDatabase(connection, add_user(connection))
        furnish(database)
        yield database


def major(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    return connection.info.server_version // 10_000


def test_an_export_of_15_is_imported_into_17(
    house: PostgresDatabase, project: Project, tmp_path: Path
) -> None:
    export_workspace(house, tmp_path / "house.zip", "058")
    file = ExportFile(tmp_path / "house.zip")
    file.check()
    connection = project.connect()
    new = PostgresDatabase(connection, add_user(connection))
    target = import_workspace(new, file)
    assert (major(house._connection), major(connection)) == (15, 17)
    assert target.notes == ["All totals are the same as in the export, to the last digit."]
    assert inventory(new) == inventory(house)


def test_a_dump_of_15_is_restored_into_17(
    old: Project, house: PostgresDatabase, cluster: Cluster, tmp_path: Path
) -> None:
    url, dump = old.cluster.url(old.name, "supabase_admin"), tmp_path / "dump"
    with psycopg.connect(url) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        [[snapshot]] = connection.execute("select pg_export_snapshot()").fetchall()
        totals = load_totals(connection)
        with dumping(url, snapshot) as output:
            dump.write_bytes(output.read())
    name = f"new_{uuid4().hex[:8]}"
    with cluster.connect("template1", "supabase_admin") as connection:
        connection.execute(f"create database {name} template template0 owner postgres")
    restore_dump(dump, cluster.url(name, "supabase_admin"))
    try:
        with cluster.connect(name) as connection:
            assert (major(house._connection), major(connection)) == (15, 17)
            assert load_totals(connection) == totals
            assert inventory(PostgresDatabase(connection, house.scope.user_id)) == inventory(house)
    finally:
        cluster.drop(name)
