"""The connection of this process to ClickHouse, opened when it is needed, checked now and then."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from tally.analytics.client import EngineDown, check_schema, open_engine

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PAUSE_SECONDS = 15  # without questions after it did not answer, so that no page waits for it again and again
CHECK_SECONDS = 30


class Connection:
    """A client that is shared by threads, with the tables of this version and installation."""

    def __init__(self, address: str, client: Client | None = None) -> None:
        self._address, self._client = address, client
        self._lock = Lock()
        self._failure: EngineDown | None = None
        self._checked: tuple[str, float] | None = None  # the installation, and until when
        self._paused_until = 0.0

    def open(self, installation: str) -> Client:
        """The client; raises EngineError, which it repeats for a while after no answer."""
        with self._lock:
            if self._failure is not None and monotonic() < self._paused_until:
                raise self._failure
            try:
                return self._open(installation)
            except EngineDown as error:
                self.pause(error)
                raise

    def pause(self, failure: EngineDown) -> None:
        """Ask no more for a while."""
        self._failure, self._paused_until = failure, monotonic() + PAUSE_SECONDS
        self._checked = None

    def _open(self, installation: str) -> Client:
        if self._client is None:
            self._client = open_engine(self._address)
        if self._checked is None or self._checked[0] != installation or monotonic() > self._checked[1]:
            check_schema(self._client, installation)
            self._checked = installation, monotonic() + CHECK_SECONDS
        return self._client


@lru_cache(maxsize=1)
def connect(address: str) -> Connection:
    """The connection of this process to an address."""
    return Connection(address)
