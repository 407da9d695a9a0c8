"""Shipping: rows that changed in Postgres go into the analytics engine, in the order of their versions.

One program ships at a time. It takes keys, reads the state of all of them in one snapshot with one version,
writes it into the engine, and only then forgets the keys: whoever is killed in between leaves keys that are
shipped again, with a greater version and the state of then. Rows that are gone are written as deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tally.analytics import outbox
from tally.analytics.client import EngineOutdated, check_schema
from tally.analytics.inserting import Refused, insert_rows, refusing
from tally.analytics.outbox import Connection
from tally.analytics.tables import Table
from tally.analytics.tasks import do_next_task

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BATCH_ROWS = 10_000


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
            ids, tables = outbox.take_keys(self.connection, self.batch_rows)
            if ids:
                self._ship_keys(ids, tables)
            return len(ids) + do_next_task(self.connection, self.client, self.batch_rows)

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

    def _ship_keys(self, ids: list[int], tables: list[Table]) -> None:
        """Ship these keys; where that is refused, each half of them, down to the one that is to blame."""
        try:
            self._move_keys(ids, tables)
        except Refused as refused:
            if len(ids) == 1:
                outbox.park(self.connection, ids, str(refused))
                return
            middle = len(ids) // 2
            self._ship_keys(ids[:middle], tables)
            self._ship_keys(ids[middle:], tables)
        else:
            outbox.finish_keys(self.connection, ids)

    def _move_keys(self, ids: list[int], tables: list[Table]) -> None:
        with refusing(), outbox.snapshot(self.connection) as version:
            found = [(table, outbox.read_rows(self.connection, table, ids, version)) for table in tables]
        for table, rows in found:
            insert_rows(self.client, table, rows)
