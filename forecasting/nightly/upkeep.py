"""Upkeep of the daily costs: folds stale days, and brings the materialized view up to date when it is due."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import FOLD, Problems
from forecasting.nightly.workspaces import Workspace

# By itself, a fold that meets another one does nothing.
WAIT_FOR_OTHERS = "select pg_advisory_xact_lock(private.upkeep_lock())"
FOLD_SOME = "select public.fold_stale_days()"
FOLD_SOME_OF_ONE = "select days from private.fold_some_days(200, %s)"

# Days that a transaction in progress keeps from being folded are brought up to date by a refresh.
REFRESH = """
select public.refresh_cost_records_daily(
    only_if_due => not exists (select from private.stale_days as s where s.gen < %s::xid8)
)"""


class Upkeep:
    """The upkeep of one run: afterwards private.current_days has all that was saved before it began."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.began_at = _value(connection, "select pg_snapshot_xmax(pg_current_snapshot())::text")

    def fold(self) -> int:
        """Fold all stale days and return their number; saves of these days wait for one short transaction."""
        folded = 0
        while days := self._fold_some():
            folded += days
        return folded

    def fold_each(self, workspaces: Sequence[Workspace], problems: Problems) -> int:
        """The same; where a day of one workspace cannot be folded, those of the others are."""
        try:
            return self.fold()
        except (psycopg.OperationalError, psycopg.ProgrammingError):
            raise  # locks, a lost connection or a missing function concern everyone
        except psycopg.Error:
            folded = 0
            for workspace in workspaces:
                folded += (
                    problems.attempt(workspace, FOLD, partial(fold_workspace, self.connection, workspace.id))
                    or 0
                )
            return folded

    def refresh(self) -> int:
        """Refresh the view if it is due; returns the number of days that were brought up to date."""
        return int(_value(self.connection, REFRESH, self.began_at))

    def _fold_some(self) -> int:
        with self.connection.transaction():
            self.connection.execute(WAIT_FOR_OTHERS)
            return int(_value(self.connection, FOLD_SOME))


def fold_workspace(connection: Connection, workspace_id: UUID) -> int:
    """Fold a workspace's stale days, in the caller's transaction, and return their number."""
    connection.execute(WAIT_FOR_OTHERS)
    folded = 0
    while days := int(_value(connection, FOLD_SOME_OF_ONE, workspace_id)):
        folded += days
    return folded


def has_stale_days(connection: Connection, workspace_id: UUID) -> bool:
    """True if days of a workspace wait to be folded."""
    query = "select exists (select from private.stale_days as s where s.workspace_id = %s)"
    return bool(_value(connection, query, workspace_id))


def _value(connection: Connection, query: str, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
