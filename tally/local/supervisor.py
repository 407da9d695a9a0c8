"""`tally up`: everything in its order, watched until asked to stop, then stopped the other way round."""

import os
import signal
import threading
import time
from contextlib import ExitStack

from tally.core.errors import TallyError
from tally.local import dashboard, nightly, processes
from tally.local.dashboard import Dashboard
from tally.local.home import Home, open_home
from tally.local.keys import load_keys
from tally.local.lock import HomeLock, find_holder, lock_home
from tally.local.migrations import push_migrations
from tally.local.nightly import Scheduler
from tally.local.node import Node, find_node, install_modules
from tally.local.ports import LocalSettings, Ports, load_local_settings, refuse_taken_ports
from tally.local.progress import Progress, notice, say
from tally.local.service import Kept
from tally.local.stack import Listener, Stack, Stopped, end_leftover, leftover_ports

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH_SECONDS = 0.2
DOWN_SECONDS = 60


def run_up() -> None:
    """Run Tally in the foreground until Ctrl-C or `tally down`; raise TallyError if it cannot start."""
    local = load_local_settings()
    home = open_home()
    lock = lock_home(home, "up", local.tally_port)
    try:
        Run(home, local, lock).work()
    finally:
        lock.release()


class Run:
    """One run of Tally: what is started, what is watched, what ends it."""

    def __init__(self, home: Home, local: LocalSettings, lock: HomeLock) -> None:
        self.home, self.local, self.lock = home, local, lock
        self.ports = Ports(local.tally_port)
        self.stop = threading.Event()
        self.progress = Progress()

    def work(self) -> None:
        """Start, watch, stop."""
        self._clear_leftovers()
        refuse_taken_ports(self.ports, leftover_ports(self.home, self.ports))
        node = self._prepare_node()
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: self.stop.set())
        with ExitStack() as started:
            try:
                self._run(node, started)
            except Stopped:
                pass
            finally:
                self.progress.begin("Stopping")
        self.progress.end()

    def _clear_leftovers(self) -> None:
        nightly.end_leftover(self.home)
        dashboard.end_leftover(self.home)
        end_leftover(self.home)

    def _prepare_node(self) -> Node:
        node = find_node()
        begin = self.progress.begin
        log = self.home.logs / "install.log"
        install_modules(node, log, lambda: begin("Installing the packages of the embedded stack"))
        return node

    def _run(self, node: Node, started: ExitStack) -> None:
        stack = Stack(self.home, self.ports, load_keys(self.home), node, self.local, self.lock)
        stack_service = StackService(stack, Listener(self.progress.begin, notice), self.stop, node)
        pages = Dashboard(self.home, self.ports, stack.settings(), self.stop)
        scheduler = Scheduler(self.home, stack.settings(), notice)
        started.callback(stack_service.stop)
        started.callback(pages.stop)
        started.callback(scheduler.stop)
        # Loading the dashboard takes as long as starting the database: they do it side by side.
        pages.spawn()
        stack_service.start()
        self.progress.begin("Starting the dashboard")
        pages.wait_until_ready()
        self.progress.end()
        say(f"Tally is ready: http://127.0.0.1:{self.ports.dashboard} (Ctrl-C stops it)")
        self._watch([Kept(stack_service, notice), Kept(pages, notice)], scheduler)

    def _watch(self, kept: list[Kept], scheduler: Scheduler) -> None:
        while not self.stop.wait(WATCH_SECONDS):
            for part in kept:
                part.tend()
            scheduler.tend()


class StackService:
    """The embedded stack, brought up to date whenever it starts."""

    name = "The embedded stack"

    def __init__(self, stack: Stack, listener: Listener, stop: threading.Event, node: Node) -> None:
        self.stack, self.listener, self.stopped, self.node = stack, listener, stop, node

    def start(self) -> None:
        """Return when the API answers and the database is at the newest migration."""
        self.stack.start(self.listener, self.stopped)
        self.listener.on_step("Bringing the database up to date")
        push_migrations(self.stack.home, self.node, self.stack.settings()["DATABASE_URL"])

    def stop(self) -> None:
        """End it in order."""
        self.stack.stop()

    def has_ended(self) -> bool:
        """Whether it died since it was started."""
        return self.stack.process is not None and self.stack.process.poll() is not None


def run_down() -> bool:
    """End the running `tally up` of this TALLY_HOME and wait for it; False when there is none."""
    home = open_home()
    holder = find_holder(home)
    if holder is None:
        return False
    if holder.kind != "up" and holder.is_alive:
        raise TallyError(
            f"The data in {home.path} is in use by process {holder.pid}, which is not `tally up`. "
            "End that program."
        )
    # Only while the lock is held is its number that of the holder, so nobody else's process is ever ended.
    if holder.is_alive and "python" in processes.describe(holder.pid)[1]:
        os.kill(holder.pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while find_holder(home) is not None:
        if time.monotonic() > deadline:
            raise TallyError(f"Tally (process {holder.pid}) did not stop within {DOWN_SECONDS} s.")
        time.sleep(0.1)
    return True
