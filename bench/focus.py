"""Export of a year with 1M records as FOCUS: seconds against a plain read of the same rows, and memory.

The baseline copies the rows out of Postgres as they are, which is the least that anything takes that reads
them. Memory is what Python holds at most, beside that of a tenth of the records: rows are written as they
come, a month is the most that is held.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg

from bench.daily_costs import MODELS
from bench.explore import ADD_RECORDS
from bench.measurement import Measurement, Options, seconds
from bench.schemas import Connection, Schema, make_schema
from bench.teams import LIGHT, PEOPLE, SOLO, TEAM
from tally.focus.export import write_file
from tally.focus.versions import VERSIONS
from tally.storage.postgres import PostgresDatabase
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

RECORDS, DAYS = 1_000_000, 365
TIME_BAR, MEMORY_BAR = 20.0, 3.0
COPY = "copy (select * from public.cost_records where workspace_id = '{workspace}') to stdout"


def measure(options: Options) -> Iterator[Measurement]:
    """Export both workspaces as CSV, the large one as Parquet, too."""
    with Cluster.embedded() as cluster:
        schema = make_schema(cluster)
        records = options.scaled(RECORDS)
        _fill(schema, {SOLO: records, LIGHT: max(1, records // 10)})
        with schema.connect() as connection, TemporaryDirectory() as folder:
            last = datetime.now(UTC).date()
            export = partial(_export, connection, Path(folder), (last - timedelta(days=DAYS), last))
            plain = seconds(partial(_copy, connection, SOLO))
            for suffix in ("csv", "parquet"):
                taken = seconds(partial(export, SOLO, suffix))
                name = f"FOCUS of {records:,} records as {suffix}, against copying them"
                yield Measurement(name, taken, "s", plain, taken / plain, TIME_BAR)
            large, small = (_peak(partial(export, owner, "csv")) for owner in (SOLO, LIGHT))
            yield Measurement(
                "peak memory of it, against a tenth of the records",
                large,
                "MB",
                small,
                large / small,
                MEMORY_BAR,
            )


def _fill(schema: Schema, sizes: dict[UUID, int]) -> None:
    with schema.connect("supabase_admin") as admin:
        admin.execute(PEOPLE.format(team=TEAM))
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=DAYS + 1), today + timedelta(days=1))
        admin.execute("set session_replication_role = replica")
        admin.execute(MODELS)
        for owner, records in sizes.items():
            query = ADD_RECORDS.replace("interval '90 days'", f"interval '{DAYS} days'")
            psycopg.ClientCursor(admin).execute(query, {"owner": owner, "records": records})
        admin.execute("vacuum (analyze) public.cost_records")


def _export(
    connection: Connection, folder: Path, period: tuple[date, date], owner: UUID, suffix: str
) -> None:
    database = PostgresDatabase(connection, owner)
    written = write_file(database, folder / f"costs.{suffix}", period, VERSIONS["1.2"])
    assert written.rows > DAYS


def _copy(connection: Connection, workspace: UUID) -> None:
    with connection.cursor().copy(COPY.format(workspace=workspace)) as rows:
        for _ in rows:
            pass


def _peak(action: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
