"""Sync of a connection: windows are replaced one by one, so that a stopped sync resumes where it was."""

import logging
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from time import monotonic

from tally.connectors.client import ApiClient
from tally.connectors.connections import (
    Connection,
    LoadKeyRing,
    SyncReport,
    list_import_ids,
    open_client,
    open_key,
    report_sync,
)
from tally.connectors.datasets import Dataset, FetchRequest, Window
from tally.connectors.errors import ConnectorError, KeyRefused, Unavailable
from tally.connectors.job_sync import sync_jobs
from tally.connectors.jobs import JOB_SOURCES
from tally.connectors.limits import Limits
from tally.connectors.storage_costs import continue_storage_costs
from tally.core.errors import TallyError
from tally.core.progress import Progress, ignore_progress
from tally.core.schedule import next_due
from tally.ledger.save import Saved, replace_window
from tally.storage.database import Database, DatabaseError, Query, SignedOut

COUNTERS = ("rows_read", "rows_imported", "rows_duplicate", "rows_restated", "rows_rejected")
MAX_ERROR_LENGTH = 2_000
OUT_OF_TIME = (
    "This sync reached its share of the nightly run. What it fetched is saved; the next run continues."
)
UNEXPECTED = "Something went wrong in Tally during the sync; see its log. Records fetched before were saved."


@dataclass(slots=True)
class SyncResult:
    """Counts of a sync; `errors` has a sentence for each part that failed."""

    added: int = 0
    restated: int = 0
    windows: int = 0
    jobs: int = 0
    was_stopped: bool = False  # the connection was paused or deleted during the sync
    was_cut: bool = False  # its time was over
    was_signed_out: bool = False
    was_unavailable: bool = False  # the provider did not respond at all
    errors: list[str] = field(default_factory=list)

    def add(self, saved: Saved) -> None:
        """Count one saved window."""
        self.windows += 1
        self.added += saved.inserted
        self.restated += saved.restated
        self.errors += [reason for _, reason in saved.rejected]

    @property
    def error(self) -> str | None:
        """All errors as one text."""
        return " ".join(dict.fromkeys(self.errors))[:MAX_ERROR_LENGTH] or None


def plan_windows(dataset: Dataset, cursor: str | None, today: date) -> list[Window]:
    """Plan the windows to fetch: the whole history first, later the days that may have changed."""
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


def final_through(dataset: Dataset, window: Window, today: date) -> date:
    """Return the last final day of a window: providers revise later days, so they are fetched again."""
    return min(window.last_day, today - timedelta(days=dataset.restated_days + 1))


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Options of a sync; today is the current UTC day unless given, `stop_at` a value of `monotonic()`."""

    today: date | None = None
    on_progress: Progress = ignore_progress
    limits: Limits | None = None
    stop_at: float = math.inf


DEFAULTS = SyncOptions()


def sync_connection(
    database: Database,
    load_key_ring: LoadKeyRing,
    connection: Connection,
    options: SyncOptions = DEFAULTS,
) -> SyncResult:
    """Fetch new and revised records, and store the outcome; failures are in the result."""
    sync = _Sync(database, connection, options)
    try:
        key = open_key(database, load_key_ring(), connection)
        with open_client(connection.provider, connection.base_url, key, options.limits) as client:
            sync.fetch_all(client)
    except TallyError as problem:
        sync.result.errors.append(str(problem))
        sync.result.was_signed_out = isinstance(problem, SignedOut)
        sync.result.was_unavailable = isinstance(problem, Unavailable)
    except Exception:
        logging.getLogger(__name__).exception("A sync failed")
        sync.result.errors.append(UNEXPECTED)
    with suppress(DatabaseError):
        sync.save_outcome()
    return sync.result


class _Stopped(Exception):
    """The connection was paused or deleted during its sync."""


class _OutOfTime(Exception):
    """A sync has used up its time."""


class _Sync:
    """One run over all datasets of a connection."""

    def __init__(self, database: Database, connection: Connection, options: SyncOptions) -> None:
        self.database, self.connection = database, connection
        self.today = options.today or datetime.now(UTC).date()
        self.result = SyncResult()
        self._on_progress, self._stop_at = options.on_progress, options.stop_at
        self._metadata = dict(connection.metadata)
        self._counts: dict[str, int] = {}
        self._refused_keys = 0
        self._windows_done = self._windows_total = 0

    def fetch_all(self, client: ApiClient) -> None:
        """Fetch the datasets one after the other; a refused one does not stop the next."""
        if self.connection.reads_jobs:
            self._fetch_jobs(client)
            return
        import_id = self._open_source()
        plans = [
            (dataset, plan_windows(dataset, self._cursors.get(dataset.name), self.today))
            for dataset in self.connection.api.datasets
        ]
        self._windows_total = sum(len(windows) for _, windows in plans)
        planned = 0
        for dataset, windows in plans:
            self._windows_done, planned = planned, planned + len(windows)
            try:
                self._fetch_windows(client, import_id, dataset, windows)
            except _Stopped:
                self.result.was_stopped = True
                return
            except _OutOfTime:
                self.result.was_cut = True
                self.result.errors.append(OUT_OF_TIME)
                return
            except Unavailable:
                raise
            except ConnectorError as problem:
                self._refused_keys += isinstance(problem, KeyRefused)
                self.result.errors.append(str(problem))
        if self.connection.api.load_balance and not self.result.errors:
            self._metadata["balance_usd"] = self.connection.api.load_balance(client)
        self._on_progress(self._windows_total, self._windows_total, "")

    def _fetch_jobs(self, client: ApiClient) -> None:
        """Fetch the jobs of a key that reads nothing else."""
        connection = self.connection
        self._windows_total = len(JOB_SOURCES[connection.provider])

        def show(nth: int, title: str) -> None:
            self._on_progress(nth, self._windows_total, title)

        fetched = sync_jobs(self.database, connection, client, self.today, show)
        self._metadata = continue_storage_costs(self.database, connection, self.today)
        self.result.windows, self.result.jobs = fetched.lists, fetched.jobs
        self.result.errors += fetched.errors
        self._refused_keys += fetched.refused_keys

    def _fetch_windows(
        self, client: ApiClient, import_id: str, dataset: Dataset, windows: Sequence[Window]
    ) -> None:
        for window in windows:
            if not self._is_active():
                raise _Stopped
            if monotonic() >= self._stop_at:
                raise _OutOfTime
            label = f"{dataset.title}, {window.first_day} to {window.last_day}"
            self._on_progress(self._windows_done, self._windows_total, label)
            self._fetch(client, import_id, dataset, window)
            self._windows_done += 1

    def save_outcome(self) -> None:
        """Store the outcome and the time of the next sync with the connection."""
        connection_id = self.connection.connection_id
        self.database.update("api_credentials", str(connection_id), {"metadata": self._metadata})
        now = datetime.now(UTC).astimezone()
        report = SyncReport(
            status="valid" if self.result.windows else "invalid" if self._refused_keys else None,
            is_complete=not self.result.errors and not self.result.was_stopped,
            error=self.result.error,
            next_sync_at=now if self.result.was_cut else next_due(now),  # the longest due go first
        )
        report_sync(self.database, connection_id, report)

    @property
    def _cursors(self) -> dict[str, str]:
        cursors: dict[str, str] = self._metadata.setdefault("cursors", {})
        return cursors

    def _open_source(self) -> str:
        """Return the import for the records; if it was deleted, create it and fetch everything again."""
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
        organization = str(self._metadata.get("organization") or "")
        fetched = dataset.load(client, FetchRequest(window, self.connection.account, organization))
        if fetched.organization:  # datasets that do not name it are of the same one
            self._metadata["organization"] = fetched.organization
        days = (fetched.first_day, window.last_day)
        saved = replace_window(self.database, import_id, dataset.name, days, fetched.records)
        self.result.add(saved)
        self._count(import_id, len(fetched.records), saved)
        final = final_through(dataset, window, self.today)
        self._cursors[dataset.name] = max(final.isoformat(), self._cursors.get(dataset.name, ""))
        values = {"metadata": self._metadata}
        self.database.update("api_credentials", str(self.connection.connection_id), values)

    def _count(self, import_id: str, rows: int, saved: Saved) -> None:
        """Add to the source's counts, which cover all its syncs."""
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

    def _is_active(self) -> bool:
        """Return whether the connection still exists and is not paused."""
        active = {"id": self.connection.connection_id, "is_active": True}
        return bool(self.database.select(Query("api_credentials", "id", ["id"], active)))


def load_counts(database: Database, import_id: str) -> dict[str, int]:
    """Load a source's counts so far."""
    (row,) = database.select(Query("imports", ",".join(COUNTERS), ["id"], {"id": import_id}))
    return {name: row[name] for name in COUNTERS}
