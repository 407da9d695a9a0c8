"""`tally up`: start every service, watch them, and stop them in reverse order."""

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack

from tally.backups.retention import Reason
from tally.core.errors import TallyError
from tally.local import children, dashboard, processes, worker
from tally.local.backup import make_automatic_backup
from tally.local.browser import open_browser
from tally.local.console import StepAnnouncer, print_event, print_line
from tally.local.dashboard import Dashboard
from tally.local.home import Home, open_home
from tally.local.interruptions import Interrupted, naming_interruptions
from tally.local.keys import load_keys, make_encryption_keys
from tally.local.lock import HomeLock, find_holder, lock_home
from tally.local.logs import LogRotation
from tally.local.migrations import push_migrations
from tally.local.node import INSTALLING, Node, find_node, install_modules
from tally.local.outbox import Outbox
from tally.local.ports import Ports, refuse_taken_ports
from tally.local.readiness import refuse_full_disk, refuse_other_postgres, refuse_unfinished_restore
from tally.local.service import Polled, Stopped, Watchdog
from tally.local.settings import LocalSettings, load_local_settings
from tally.local.stack import Listener, Stack, end_leftover, leftover_ports
from tally.local.worker import Worker

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH_SECONDS = 0.2
DOWN_SECONDS = 60


def run_up(opens_browser: bool = False) -> None:
    """Run Tally in the foreground until Ctrl-C or `tally down`; raise TallyError if it cannot start."""
    local = load_local_settings()
    home = open_home()
    lock = lock_home(home, "up", local.tally_port)
    try:
        Run(home, local, lock, opens_browser).work()
    finally:
        lock.release()


class Run:
    """One run of Tally, from start to stop."""

    def __init__(self, home: Home, local: LocalSettings, lock: HomeLock, opens_browser: bool) -> None:
        self.home, self.local, self.lock, self.opens_browser = home, local, lock, opens_browser
        self.ports = Ports(local.tally_port)
        self.stop = threading.Event()
        self.steps = StepAnnouncer()

    def work(self) -> None:
        """Start everything, watch it until a stop is requested, and stop it."""
        refuse_unfinished_restore(self.home)
        refuse_other_postgres(self.home)
        refuse_full_disk(self.home)
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
                self.steps.begin("Stopping")
        self.steps.end()

    def _clear_leftovers(self) -> None:
        worker.end_leftover(self.home)
        dashboard.end_leftover(self.home)
        end_leftover(self.home)

    def _prepare_node(self) -> Node:
        node = find_node()
        install_modules(node, self.home.logs / "install.log", lambda: self.steps.begin(INSTALLING))
        return node

    def _run(self, node: Node, started: ExitStack) -> None:
        stack = Stack(self.home, self.ports, load_keys(self.home), node, self.local, self.lock)
        listener = Listener(self.steps.begin, print_event)
        stack_service = StackService(stack, listener, self.stop, node)
        proxies = {"FORWARDED_ALLOW_IPS": self.local.forwarded_allow_ips}
        settings = stack.settings_with_mails()
        pages = Dashboard(self.home, self.ports, settings | proxies, self.stop)
        jobs = Worker(self.home, settings, print_event, self.local.tally_backups)
        started.callback(stack_service.stop)
        started.callback(pages.stop)
        started.callback(jobs.stop)
        # Loading the dashboard takes as long as starting the database, so they run in parallel.
        pages.spawn()
        stack_service.start()
        make_encryption_keys(self.home, stack.settings()["DATABASE_URL"])
        jobs.start()
        self.steps.begin("Starting the dashboard")
        pages.wait_until_ready()
        self.steps.end()
        address = f"http://127.0.0.1:{self.ports.dashboard}"
        print_line(f"Tally is ready: {address} (Ctrl-C stops it)")
        if self.opens_browser and not open_browser(address):
            print_line("No browser was found. Open the address above.")
        outbox = Outbox(self.home.outbox, print_event, shows_codes=sys.stdout.isatty())
        watchdogs = [Watchdog(service, print_event) for service in (stack_service, pages, jobs)]
        self._watch([*watchdogs, outbox, LogRotation(self.home)])

    def _watch(self, watched: list[Polled]) -> None:
        while not self.stop.wait(WATCH_SECONDS):
            for part in watched:
                part.poll()


class StackService:
    """The embedded stack, migrated at every start."""

    name = "The embedded stack"

    def __init__(self, stack: Stack, listener: Listener, stop: threading.Event, node: Node) -> None:
        self.stack, self.listener, self.stop_requested, self.node = stack, listener, stop, node

    def start(self) -> None:
        """Return when the API answers and all migrations are applied."""
        self.stack.start(self.listener, self.stop_requested)
        self.listener.on_step("Migrating the database")
        with naming_interruptions("tally up"):
            push_migrations(self.stack.home, self.node, self.stack.settings()["DATABASE_URL"], self._back_up)

    def _back_up(self) -> None:
        local = self.stack.local
        if not local.tally_backups:
            return
        self.listener.on_step("Making a backup")
        try:
            path = make_automatic_backup(self.stack.home, Reason.MIGRATION, local.tally_backup_passphrase)
        except Interrupted:
            raise
        except TallyError as problem:
            raise TallyError(
                f"{problem} Tally makes a backup before it migrates the database. To do without, set "
                "TALLY_BACKUPS=off."
            ) from None
        self.listener.on_notice(f"The database is migrated. A backup from before is {path}.")

    def stop(self) -> None:
        """Shut the stack down in order."""
        self.stack.stop()

    def has_ended(self) -> bool:
        """True if the process ended by itself since it was started."""
        return children.has_ended(self.stack.process)


def run_down() -> bool:
    """Stop the running `tally up` of this TALLY_HOME and wait for it to end; False when none is running."""
    home = open_home()
    holder = find_holder(home)
    if holder is None:
        return False
    if holder.kind != "up" and holder.is_alive:
        raise TallyError(
            f"The data in {home.path} is in use by process {holder.pid}, which is not `tally up`. "
            "Stop that program."
        )
    # The recorded id is valid only while the lock is held, so no other process is ever ended.
    if holder.is_alive and "python" in processes.command_line(holder.pid):
        os.kill(holder.pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while find_holder(home) is not None:
        if time.monotonic() > deadline:
            raise TallyError(f"Tally (process {holder.pid}) did not stop within {DOWN_SECONDS} s.")
        time.sleep(0.1)
    return True
