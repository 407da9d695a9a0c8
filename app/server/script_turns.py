"""Turns of the scripts of pages: while others use Tally, one account leaves them their share of the server.

All scripts run in threads of one process, so one account's pages, run again and again, would leave little of
it to everybody else. Streamlit has no such limit: this wraps a private method of its script runner, in the
version that the lock file pins.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from app.auth.session_store import StoreUnreachable
from app.auth.sessions import sessions

ALL_AT_ONCE = 4  # scripts; more threads would end each of them later, and none sooner
LONG_SECONDS = 5.0  # who runs longer waits for something else, such as an import, and keeps no place
# While others use Tally, of each account: scripts with more and with less than half of its credit, and the
# credit in seconds of the processor. All who are around earn equal parts of it; one part goes to nobody.
AT_ONCE, AT_ONCE_WITH_LITTLE = 2, 1
CREDIT_SECONDS, DEBT_SECONDS = 0.6, 1.2
AROUND_SECONDS = 3.0  # after a script of theirs
FORGOTTEN_SECONDS = 60.0  # by then a debt has become full credit
LONGEST_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Share:
    """An account's share of the server: its scripts, and its credit in seconds of the processor."""

    credit: float
    at: float
    seen_at: float
    begun: list[float] = field(default_factory=list)  # when the scripts that run began

    @property
    def running(self) -> int:
        """The number of its scripts that run."""
        return len(self.begun)


class ScriptTurns:
    """Begins scripts when they are due: those of the account with the most credit first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._shares: dict[str, Share] = {}
        self._waiting: dict[str, deque[threading.Event]] = {}
        self._timer: threading.Timer | None = None
        self._timer_at = inf

    @contextmanager
    def turn(self, account: str) -> Iterator[None]:
        """Wait for the account's turn, and charge it for the time of this thread."""
        self._wait(account)
        started = time.thread_time()
        try:
            yield
        finally:
            self.end(account, time.thread_time() - started)

    def ask(self, account: str) -> threading.Event:
        """Queue a script; the event is set once it may begin."""
        begins = threading.Event()
        with self._lock:
            self._waiting.setdefault(account, deque()).append(begins)
            self._begin_due()
        return begins

    def end(self, account: str, used_seconds: float) -> None:
        """End a script that used the processor for some seconds."""
        with self._lock:
            share = self._share(account)
            share.begun.pop()  # short ones end first
            share.seen_at = share.at
            share.credit = max(share.credit - used_seconds, -DEBT_SECONDS)
            self._forget(share.at)
            self._begin_due()

    def wait_seconds(self, account: str) -> float:
        """Seconds until an account's script may begin; infinite until another script ends.

        Without credit it begins when no script of others runs, so that the server is never idle.
        """
        share = self._share(account)
        if self._count_around(share.at, account) == 0:
            return 0.0
        if share.running >= (AT_ONCE if share.credit > CREDIT_SECONDS / 2 else AT_ONCE_WITH_LITTLE):
            return inf
        if share.credit > 0 or not self._others_run(account):
            return 0.0
        return -share.credit / self._credit_per_second(share.at)

    def _wait(self, account: str) -> None:
        begins = self.ask(account)
        if not begins.wait(LONGEST_WAIT_SECONDS):
            with self._lock:
                if not begins.is_set():
                    self._begin(account, begins)

    def _begin_due(self) -> None:
        while self._has_room():
            due = [account for account in self._waiting if self.wait_seconds(account) == 0]
            if not due:
                break
            account = max(due, key=lambda account: self._shares[account].credit)
            self._begin(account, self._waiting[account][0])
        self._look_again_later()

    def _has_room(self) -> bool:
        since = self._now() - LONG_SECONDS
        return sum(at > since for share in self._shares.values() for at in share.begun) < ALL_AT_ONCE

    def _look_again_later(self) -> None:
        """Look again when credit comes back, or when others may have left and scripts have become long."""
        waits = [self.wait_seconds(account) for account in self._waiting]
        if not waits:
            return
        wait = min(AROUND_SECONDS, *waits) or AROUND_SECONDS
        if self._timer is not None and self._timer_at <= self._now() + wait:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = threading.Timer(wait, self._look_again), self._now() + wait
        self._timer.daemon = True
        self._timer.start()

    def _look_again(self) -> None:
        with self._lock:
            self._timer = None
            self._begin_due()

    def _begin(self, account: str, begins: threading.Event) -> None:
        queue = self._waiting[account]
        queue.remove(begins)
        if not queue:
            del self._waiting[account]
        share = self._share(account)
        share.begun.append(share.at)
        begins.set()

    def _share(self, account: str) -> Share:
        now = self._now()
        share = self._shares.setdefault(account, Share(CREDIT_SECONDS, now, now))
        earned = (now - share.at) * self._credit_per_second(now)
        share.credit = min(CREDIT_SECONDS, share.credit + earned)
        share.at = now
        return share

    def _credit_per_second(self, now: float) -> float:
        return 1 / (self._count_around(now) + 1)

    def _count_around(self, now: float, besides: str | None = None) -> int:
        """The accounts whose scripts run or ran a moment ago."""
        return sum(
            1
            for account, share in self._shares.items()
            if account != besides and (share.running or now - share.seen_at < AROUND_SECONDS)
        )

    def _others_run(self, account: str) -> bool:
        return any(share.running for other, share in self._shares.items() if other != account)

    def _forget(self, now: float) -> None:
        for account, share in list(self._shares.items()):
            if not share.running and now - share.seen_at > FORGOTTEN_SECONDS:
                del self._shares[account]


def install() -> None:
    """Let every script of this process wait for its account's turn."""
    run_script, turns = ScriptRunner._run_script, ScriptTurns()

    def run_in_turn(runner: Any, rerun_data: Any) -> None:
        session_id = str(runner._user_info.get("sid"))
        account = None
        with suppress(StoreUnreachable):  # the page itself says so
            account = sessions().user_of(session_id)
        with turns.turn(account or session_id):
            run_script(runner, rerun_data)

    ScriptRunner._run_script = run_in_turn  # type: ignore[method-assign, assignment]
