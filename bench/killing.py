"""A whole Tally with its processes, which are killed while a command works on it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import psycopg

from tally.local.home import Home
from tally.local.postmaster import find_postmaster
from tally.local.status import load_status
from tests.embedded import free_port_block, migrated_home

COMMAND, BACKEND = "the command", "a Postgres backend"
POSTMASTER, DATA_API, GATEWAY, DASHBOARD = "Postgres", "PostgREST", "the gateway", "the dashboard"
PARTS = (COMMAND, BACKEND, POSTMASTER, DATA_API, GATEWAY, DASHBOARD)
SUPERVISED = (POSTMASTER, DATA_API, GATEWAY, DASHBOARD)  # `tally up` pauses longer after each of their deaths
LONGEST_SECONDS = 180
PAUSE_SECONDS = 0.02


class Stuck(Exception):
    """Something did not happen in time; the text says what."""


def wait_for(is_true: Callable[[], bool], what: str, seconds: float = LONGEST_SECONDS) -> None:
    """Return when the condition holds; raise Stuck when it does not in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise Stuck(f"{what}: not within {seconds:.0f} s")
        time.sleep(PAUSE_SECONDS)


@dataclass
class Running:
    """A command that runs, and what it prints."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass
class Machine:
    """A TALLY_HOME and its ports; `up` is the `tally up` that runs there, if any."""

    home: Path
    port: int
    up: Running | None = None
    backups: bool = False
    logs: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands, without settings of other stacks."""
        foreign = ("SUPABASE_", "DATABASE_", "TALLY_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return kept | {
            "TALLY_HOME": str(self.home),
            "TALLY_PORT": str(self.port),
            "TALLY_OPEN_SIGNUP": "1",
            "LITE_AUTH_BCRYPT_COST": "4",
            "EXCHANGE_RATES_URL": "off",
            **({} if self.backups else {"TALLY_BACKUPS": "off"}),
        }

    @contextmanager
    def as_environment(self) -> Iterator[None]:
        """Let settings of this process be the machine's for a moment."""
        with patch.dict(os.environ, self.environment, clear=True):
            yield

    def start(self, *arguments: str | Path, given: str = "") -> Running:
        """Start a command in the background."""
        self.logs += 1
        log = self.home.parent / f"command-{self.logs}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tally", *map(str, arguments)],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(given.encode())
            process.stdin.close()
        return Running(process, log)

    def run(self, *arguments: str | Path, given: str = "") -> Running:
        """Run a command to its end."""
        running = self.start(*arguments, given=given)
        running.process.wait(LONGEST_SECONDS)
        return running

    def must_run(self, *arguments: str | Path, given: str = "") -> str:
        """Run a command that has to succeed; returns what it printed."""
        ended = self.run(*arguments, given=given)
        if ended.process.returncode:
            raise Stuck(f"tally {arguments[0]} failed: {ended.said[-500:]}")
        return ended.said

    def run_nightly(self) -> None:
        """Do a nightly run, after the one that Tally may be catching up by itself."""
        while "Another nightly run" in (ended := self.run("nightly")).said:
            time.sleep(PAUSE_SECONDS)
        if ended.process.returncode:
            raise Stuck(f"tally nightly failed: {ended.said[-500:]}")

    def start_up(self) -> None:
        """Start Tally, and return when it is ready."""
        self.up = up = self.start("up")
        wait_for(lambda: "Tally is ready" in up.said or up.has_ended, "tally up")
        if up.has_ended:
            raise Stuck(f"tally up ended: {up.said[-500:]}")

    def shut_down(self) -> None:
        """Stop Tally in order."""
        if self.up is not None and not self.up.has_ended:
            self.up.process.send_signal(signal.SIGINT)
            self.up.process.wait(LONGEST_SECONDS)
        self.up = None

    def find(self, part: str, command: Running) -> int | None:
        """The process that a part is now; None while there is none."""
        if part == COMMAND:
            return None if command.has_ended else command.process.pid
        if part in (POSTMASTER, BACKEND):
            found = find_postmaster(Home(self.home))
            if found is None or not found.is_running:
                return None
            return found.pid if part == POSTMASTER else _newest_backend(found.pid)
        if part == GATEWAY:
            above = self.up if self.up is not None else command
            return next(_children(above.process.pid, "server.mjs"), None)
        return _recorded(self.home / "run" / ("postgrest.pid" if part == DATA_API else "dashboard.pid"))

    def is_healthy(self) -> bool:
        """True if all parts answer, as `tally status` says."""
        with self.as_environment():
            return load_status().healthy

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """The operator's connection."""
        lines = (self.home / "stack.env").read_text().splitlines()
        [url] = [line.partition("=")[2].strip('"') for line in lines if line.startswith("DATABASE_URL=")]
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            yield connection


@contextmanager
def machine(on_disk: bool = True) -> Iterator[Machine]:
    """A migrated Tally that runs."""
    with migrated_home(on_disk) as home:
        made = Machine(home, free_port_block())
        made.start_up()
        try:
            yield made
        finally:
            made.shut_down()


def kill(pid: int) -> None:
    """End a process at once; it may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _newest_backend(postmaster: int) -> int | None:
    """The client that connected last, which is mostly the command's."""
    clients = list(_children(postmaster, "127.0.0.1("))
    return clients[-1] if clients else None


def _children(pid: int, marker: str) -> Iterator[int]:
    """Descendants with this in their command line, the oldest first."""
    try:
        found = sorted(psutil.Process(pid).children(recursive=True), key=lambda one: one.create_time())
    except psutil.Error:
        return
    for child in found:
        with suppress(psutil.Error):
            if marker in " ".join(child.cmdline()):
                yield child.pid


def _recorded(file: Path) -> int | None:
    try:
        pid = int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if psutil.pid_exists(pid) else None
