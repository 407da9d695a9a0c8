"""Background syncs: clicks, reruns and other pages neither repeat nor stop them."""

import threading
from uuid import UUID

from app.auth.identity import User, database_of
from tally.connectors.connections import Connection
from tally.connectors.sync import SyncOptions, SyncResult, sync_connection
from tally.core.settings import load_settings
from tally.secrets.key_ring import load_key_ring


class SyncJob:
    """A thread that syncs one connection, with its progress and result."""

    def __init__(self, user: User, connection: Connection) -> None:
        self.connection = connection
        self.done, self.total, self.label = 0, 0, ""
        self.result: SyncResult | None = None
        self._api = database_of(user)
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True while the sync runs."""
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """Progress from 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the sync ends."""
        self._thread.join(seconds)

    def _run(self) -> None:
        self.result = sync_connection(
            self._api,
            lambda: load_key_ring(load_settings()),
            self.connection,
            SyncOptions(on_progress=self._note_progress),
        )

    def _note_progress(self, done: int, total: int, label: str) -> None:
        self.done, self.total, self.label = done, total, label


_jobs: dict[tuple[str, UUID], SyncJob] = {}
_lock = threading.Lock()


def begin_sync(user: User, connection: Connection) -> SyncJob:
    """Start a sync, or return the one that already runs for this connection."""
    with _lock:
        job = _jobs.get((user.user_id, connection.connection_id))
        if job is None or not job.is_running:
            job = _jobs[user.user_id, connection.connection_id] = SyncJob(user, connection)
        return job


def find_sync(user: User, connection: Connection) -> SyncJob | None:
    """The running sync of a connection, or None."""
    job = _jobs.get((user.user_id, connection.connection_id))
    return job if job is not None and job.is_running else None


def take_finished(user: User, connection: Connection) -> SyncJob | None:
    """The finished sync of a connection, returned only once."""
    with _lock:
        job = _jobs.get((user.user_id, connection.connection_id))
        if job is None or job.is_running:
            return None
        return _jobs.pop((user.user_id, connection.connection_id))
