"""Folds of changed days while Tally runs, so that reads stay fast between nightly runs."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

CHECK_SECONDS = 5.0
MAX_CHECKS = 12  # while saves go on, every twelfth check folds

NEWEST_MARK = "select s.gen::text from private.stale_days as s order by s.gen desc limit 1"
APPLICATION_NAME = "tally folding"
FOLD = "select public.fold_stale_days()"
VACUUM = "vacuum (analyze) private.stale_days, private.overridden_days, private.folded_days"

Connection = psycopg.Connection[Any]


class Debounce:
    """Decides when to fold: when no save changed a day between two checks, or after MAX_CHECKS."""

    def __init__(self) -> None:
        self._seen: str | None = None
        self._checks = 0

    def is_due(self, newest_mark: str | None) -> bool:
        """Take the newest mark of a stale day; None if no day is stale."""
        is_quiet = newest_mark == self._seen
        self._seen = newest_mark
        self._checks = self._checks + 1 if newest_mark else 0
        if newest_mark is None or not (is_quiet or self._checks >= MAX_CHECKS):
            return False
        self._checks = 0
        return True


class Folding:
    """A thread that folds stale days soon after saves. Failures are retried; reads stay exact meanwhile."""

    def __init__(
        self, database_url: str, notify: Callable[[str], None], check_seconds: float = CHECK_SECONDS
    ) -> None:
        self._database_url, self._notify, self._check_seconds = database_url, notify, check_seconds
        self._stopping = threading.Event()
        self._reported: str | None = None
        self._thread = threading.Thread(target=self._run, name="folding", daemon=True)

    def start(self) -> None:
        """Begin when the database is migrated."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current fold, which takes at most a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._check_seconds):
            try:
                with psycopg.connect(
                    self._database_url, application_name=APPLICATION_NAME, autocommit=True, connect_timeout=5
                ) as connection:
                    self._watch(connection)
            except psycopg.OperationalError:
                continue  # the database is restarting
            except psycopg.Error as problem:
                self._report(f"Changed days could not be folded; retrying. {problem.diag.message_primary}.")

    def _watch(self, connection: Connection) -> None:
        debounce = Debounce()
        while not self._stopping.wait(self._check_seconds):
            newest = connection.execute(NEWEST_MARK).fetchone()
            if debounce.is_due(newest[0] if newest else None):
                self._fold(connection)

    def _fold(self, connection: Connection) -> None:
        has_folded = False
        while not self._stopping.is_set():
            row = connection.execute(FOLD).fetchone()
            if not row or not row[0]:
                break
            has_folded = True
        if has_folded:
            connection.execute(VACUUM)

    def _report(self, text: str) -> None:
        if text != self._reported:
            self._reported = text
            self._notify(text)
