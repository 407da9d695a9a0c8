"""Syncing a connection: window by window, each replaced whole, so that a stop anywhere is taken up there."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tally.connectors.client import ApiClient, CollectError, KeyRefused, Limits, Unavailable
from tally.connectors.connections import (
    Connection,
    OpenRing,
    list_import_ids,
    open_client,
    open_key,
)
from tally.connectors.datasets import Dataset, Request, Window
from tally.core.errors import TallyError
from tally.core.progress import Progress, ignore_progress
from tally.core.schedule import next_due
from tally.ledger.save import Saved, replace_window
from tally.storage.database import Database, DatabaseError, Query, SignedOut

COUNTERS = ("rows_read", "rows_imported", "rows_duplicate", "rows_restated", "rows_rejected")
LONGEST_ERROR = 2_000
UNEXPECTED = (
    "Something in Tally went wrong during the sync; its log says more. What was fetched before stays."
)


@dataclass(slots=True)
class Synced:
    """What a sync brought; `error` holds a sentence for each thing that it could not do."""

    added: int = 0
    restated: int = 0
    windows: int = 0
    was_stopped: bool = False  # paused or deleted meanwhile
    was_signed_out: bool = False
    was_unanswered: bool = False  # the provider had no answer at all
    errors: list[str] = field(default_factory=list)

    def add(self, saved: Saved) -> None:
        """One window more."""
        self.windows += 1
        self.added += saved.inserted
        self.restated += saved.restated
        self.errors += [reason for _, reason in saved.rejected]

    @property
    def error(self) -> str | None:
        """All of it as one text."""
        return " ".join(dict.fromkeys(self.errors))[:LONGEST_ERROR] or None


def plan_windows(dataset: Dataset, cursor: str | None, today: date) -> list[Window]:
    """What is to be asked: the whole history at first, later what may have changed since."""
    last_day = today if dataset.has_today else today - timedelta(days=1)
    first_day = today - timedelta(days=dataset.history_days)
    if cursor is not None:
        first_day = max(first_day, date.fromisoformat(cursor) + timedelta(days=1))
    windows = []
    while first_day <= last_day:
        end = min(first_day + timedelta(days=dataset.window_days - 1), last_day)
        windows.append(Window(first_day, end))
        first_day = end + timedelta(days=1)
    return windows


def settled_through(dataset: Dataset, window: Window, today: date) -> date:
    """The last day of a window that is final: later ones are asked for again, as providers revise them."""
    return min(window.last_day, today - timedelta(days=dataset.restated_days + 1))


def sync_connection(
    database: Database,
    open_ring: OpenRing,
    connection: Connection,
    today: date | None = None,
    on_progress: Progress = ignore_progress,
    limits: Limits | None = None,
) -> Synced:
    """Fetch what is new and keep how it went with the connection; what fails is in the result, in words."""
    sync = _Sync(database, connection, today or datetime.now(UTC).date(), on_progress)
    try:
        key = open_key(database, open_ring(), connection)
        with open_client(connection.provider, connection.base_url, key, limits) as client:
            sync.fetch_all(client)
    except TallyError as problem:
        sync.result.errors.append(str(problem))
        sync.result.was_signed_out = isinstance(problem, SignedOut)
        sync.result.was_unanswered = isinstance(problem, Unavailable)
    except Exception:
        logging.getLogger(__name__).exception("A sync failed")
        sync.result.errors.append(UNEXPECTED)
    with suppress(DatabaseError):
        sync.note_outcome()
    return sync.result


class _Sync:
    """One run over all datasets of one connection."""

    def __init__(
        self, database: Database, connection: Connection, today: date, on_progress: Progress
    ) -> None:
        self.database, self.connection, self.today = database, connection, today
        self.result = Synced()
        self._on_progress = on_progress
        self._metadata = dict(connection.metadata)
        self._counts: dict[str, int] = {}
        self._refused = 0

    def fetch_all(self, client: ApiClient) -> None:
        """Every dataset, one after the other; one that is refused does not stop the next."""
        import_id = self._open_source()
        plans = [
            (dataset, plan_windows(dataset, self._cursors.get(dataset.name), self.today))
            for dataset in self.connection.api.datasets
        ]
        total = sum(len(windows) for _, windows in plans)
        done = 0
        for dataset, windows in plans:
            done += len(windows)
            try:
                for nth, window in enumerate(windows, start=done - len(windows)):
                    if not self._is_wanted():
                        self.result.was_stopped = True
                        return
                    self._on_progress(nth, total, f"{dataset.title}, {window.first_day} to {window.last_day}")
                    self._fetch(client, import_id, dataset, window)
            except Unavailable:
                raise
            except CollectError as problem:
                self._refused += isinstance(problem, KeyRefused)
                self.result.errors.append(str(problem))
        if self.connection.api.load_balance and not self.result.errors:
            self._metadata["balance_usd"] = self.connection.api.load_balance(client)
        self._on_progress(total, total, "")

    def note_outcome(self) -> None:
        """Keep with the connection how the sync went and when the next one is due."""
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "last_error": self.result.error,
            "next_sync_at": next_due(now.astimezone()).isoformat(),
            "metadata": self._metadata,
        }
        if self._refused and not self.result.windows:
            values["validation_status"] = "invalid"
        elif self.result.windows:
            values |= {"validation_status": "valid", "last_validated_at": now.isoformat()}
        if not self.result.errors and not self.result.was_stopped:
            values["last_sync_at"] = now.isoformat()
        self.database.update("api_credentials", str(self.connection.connection_id), values)

    @property
    def _cursors(self) -> dict[str, str]:
        cursors: dict[str, str] = self._metadata.setdefault("cursors", {})
        return cursors

    def _open_source(self) -> str:
        """The row of `imports` that the records belong to; where it was deleted all is fetched anew."""
        known = list_import_ids(self.database, self.connection)
        import_id = known[0] if known else self._add_source()
        if self._metadata.get("import_id") != import_id:
            self._metadata |= {"import_id": import_id, "cursors": {}}
        self._counts = load_counts(self.database, import_id)
        return import_id

    def _add_source(self) -> str:
        row = {
            "kind": "connection",
            "credential_id": str(self.connection.connection_id),
            "filename": self.connection.name,
            "format": f"{self.connection.provider}-api",
            "status": "done",
        }
        return str(self.database.insert("imports", row)["id"])

    def _fetch(self, client: ApiClient, import_id: str, dataset: Dataset, window: Window) -> None:
        answer = dataset.load(client, Request(window, self.connection.account))
        days = (answer.first_day, window.last_day)
        saved = replace_window(self.database, import_id, dataset.name, days, answer.records)
        self.result.add(saved)
        self._count(import_id, len(answer.records), saved)
        settled = settled_through(dataset, window, self.today)
        self._cursors[dataset.name] = max(settled.isoformat(), self._cursors.get(dataset.name, ""))
        values = {"metadata": self._metadata}
        self.database.update("api_credentials", str(self.connection.connection_id), values)

    def _count(self, import_id: str, rows: int, saved: Saved) -> None:
        """The source's counters add up over all its syncs."""
        new = {
            "rows_read": rows,
            "rows_imported": saved.inserted,
            "rows_duplicate": saved.duplicate,
            "rows_restated": saved.restated,
            "rows_rejected": len(saved.rejected),
        }
        self._counts = {name: self._counts[name] + count for name, count in new.items()}
        self.database.update(
            "imports", import_id, self._counts | {"finished_at": datetime.now(UTC).isoformat()}
        )

    def _is_wanted(self) -> bool:
        """Whether nobody has paused or deleted it meanwhile."""
        wanted = {"id": self.connection.connection_id, "is_active": True}
        return bool(self.database.select(Query("api_credentials", "id", ["id"], wanted)))


def load_counts(database: Database, import_id: str) -> dict[str, int]:
    """What a source has brought so far."""
    (row,) = database.select(Query("imports", ",".join(COUNTERS), ["id"], {"id": import_id}))
    return {name: row[name] for name in COUNTERS}
