"""Shipping: rows that changed in Postgres go into the analytics engine, in the order of their versions.

One program ships at a time. It takes keys, reads the state of all of them in one snapshot with one version,
writes it into the engine, and only then forgets the keys: whoever is killed in between leaves keys that are
shipped again, with a greater version and the state of then. Rows that are gone are written as deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from tally.analytics import outbox
from tally.analytics.client import EngineOutdated, check_schema, explaining
from tally.analytics.outbox import Connection, Task
from tally.analytics.tables import RECORDS, SUPERSEDED, TABLES, Table

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BATCH_ROWS = 10_000
NOBODY = "00000000-0000-0000-0000-000000000000"
SETTINGS = {"date_time_input_format": "best_effort", "max_partitions_per_insert_block": 0}
TABLE_OF = {table.name: table for table in TABLES}
Insert = Callable[[Table, bytes, bytes], None]


class _Refused(Exception):
    """Rows that Postgres cannot read as the engine's, or that the engine refuses; it takes others."""


@dataclass(frozen=True, slots=True)
class Shipper:
    """The two sides between which rows go; the connection is in autocommit."""

    connection: Connection
    client: Client
    batch_rows: int = BATCH_ROWS

    def ship(self) -> int:
        """Ship a batch of keys and a part of a task, and return how many keys and tasks that were.

        Raises EngineError when the engine does not answer or is of another version; nothing is lost then.
        """
        with outbox.shipping_alone(self.connection):
            self._check()
            ids = outbox.take_keys(self.connection, self.batch_rows)
            if ids:
                self._ship_keys(ids)
            task = outbox.take_task(self.connection)
            if task:
                self._do_task(task)
            return len(ids) + (task is not None)

    def ship_all(self) -> int:
        """Ship until nothing is due, and return how many keys and parts of tasks that were."""
        shipped = 0
        while done := self.ship():
            shipped += done
        return shipped

    def _check(self) -> None:
        installation = outbox.find_installation(self.connection)
        if installation is None:
            raise EngineOutdated("The analytics engine is not in use. Run `tally analytics rebuild`.")
        check_schema(self.client, str(installation))

    def _ship_keys(self, ids: list[int]) -> None:
        """Ship these keys; where that is refused, each half of them, down to the one that is to blame."""
        try:
            self._move_keys(ids)
        except _Refused as refused:
            if len(ids) == 1:
                outbox.park(self.connection, ids, str(refused))
                return
            middle = len(ids) // 2
            self._ship_keys(ids[:middle])
            self._ship_keys(ids[middle:])
        else:
            outbox.finish_keys(self.connection, ids)

    def _move_keys(self, ids: list[int]) -> None:
        with _refusing(), outbox.snapshot(self.connection) as version:
            found = [
                (
                    table,
                    outbox.read_rows(self.connection, table, ids, version),
                    outbox.read_gone(self.connection, table, ids, version),
                )
                for table in TABLES
            ]
        for table, rows, gone in found:
            self._insert(table, list(table.columns), rows)
            self._insert(table, [*table.key, "version", "is_deleted"], gone)

    def _insert(self, table: Table, columns: list[str], rows: bytes) -> None:
        """Insert rows that are text; raises _Refused where the engine takes others, else EngineDown."""
        if not rows:
            return
        from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

        with explaining():
            try:
                self.client.raw_insert(table.name, columns, rows, settings=SETTINGS, fmt="TabSeparated")
            except OperationalError:
                raise
            except DatabaseError as error:
                if not self._takes_rows(table):
                    raise
                raise _Refused(str(error).splitlines()[0]) from error

    def _takes_rows(self, table: Table) -> bool:
        """True if the engine takes a row that is nobody's and deleted."""
        from clickhouse_connect.driver.exceptions import DatabaseError

        key = {"workspace_id": NOBODY, "source_key": NOBODY, "id": NOBODY, "trace_id": ""}
        values = [key.get(name, "2020-01-01 00:00:00") for name in table.key]
        row = "\t".join([*values, "1", "1"]) + "\n"
        columns = [*table.key, "version", "is_deleted"]
        try:
            self.client.raw_insert(table.name, columns, row.encode(), settings=SETTINGS, fmt="TabSeparated")
        except DatabaseError:
            return False
        return True

    def _do_task(self, task: Task) -> None:
        until = None
        if task.kind in TABLE_OF:
            until = None if task.is_void else self._ship_part(TABLE_OF[task.kind], task)
        elif task.kind == "workspace":
            self._forget_workspace(task)
        else:
            with outbox.snapshot(self.connection) as version:
                pass
            if task.kind == "source":
                self._forget_source(task, version)
            else:
                self._forget_person(task, version)
        outbox.finish_task(self.connection, task, until)

    def _ship_part(self, table: Table, task: Task) -> datetime:
        """Ship the first part of a stretch; what the engine has in it besides is gone. Returns its end."""
        until = outbox.find_end(self.connection, table, task, self.batch_rows)
        try:
            with _refusing(), outbox.snapshot(self.connection) as version:
                rows = outbox.read_range(self.connection, table, task, until, version)
            self._insert(table, list(table.columns), rows)
        except _Refused:
            outbox.note_keys(self.connection, table, task, until)
            return until
        keys = ", ".join(table.key)
        self._command(
            f"insert into {table.name} ({keys}, version, is_deleted) "  # noqa: S608 - names of our own
            f"select {keys}, {{version:UInt64}}, 1 from {table.name} final "
            f"where workspace_id = {{tenant:UUID}} and {table.time} >= toDateTime64({{first_at:String}}, 6, 'UTC') "
            f"and {table.time} < toDateTime64({{last_at:String}}, 6, 'UTC') and version < {{version:UInt64}}",
            tenant=str(task.workspace_id),
            first_at=_text(task.first_at),
            last_at=_text(until),
            version=version,
        )
        return until

    def _forget_workspace(self, task: Task) -> None:
        """Delete all that a workspace had; parts of the engine's files follow in its own time."""
        for table in TABLES:
            self._command(
                f"delete from {table.name} where workspace_id = {{tenant:UUID}}",  # noqa: S608
                tenant=str(task.workspace_id),
            )
            self._command(f"alter table {table.name} apply deleted mask")
        self.connection.execute(
            "delete from private.analytics_parked where workspace_id = %s", [task.workspace_id]
        )

    def _forget_source(self, task: Task, version: int) -> None:
        """Mark all rows of a source as deleted; what took their place is shipped by its key."""
        for table in (RECORDS, SUPERSEDED):
            keys = ", ".join(table.key)
            self._command(
                f"insert into {table.name} ({keys}, version, is_deleted) "  # noqa: S608
                f"select {keys}, {{version:UInt64}}, 1 from {table.name} final "
                "where workspace_id = {tenant:UUID} and import_id = {source:UUID} and version < {version:UInt64}",
                tenant=str(task.workspace_id),
                source=str(task.subject),
                version=version,
            )

    def _forget_person(self, task: Task, version: int) -> None:
        """Make the rows of an account nobody's."""
        for table in TABLES:
            self._command(
                f"insert into {table.name} select * "  # noqa: S608
                "replace ({nobody:UUID} as user_id, {version:UInt64} as version) "
                f"from {table.name} final where user_id = {{person:UUID}} and version < {{version:UInt64}}",
                nobody=NOBODY,
                person=str(task.subject),
                version=version,
            )

    def _command(self, text: str, **values: Any) -> None:
        with explaining():
            self.client.command(text, values)


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise what Postgres says of a row, and not of the connection, as _Refused."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise _Refused(error.diag.message_primary or str(error)) from error


def _text(at: datetime | None) -> str:
    assert at is not None
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
