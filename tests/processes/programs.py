"""Tally's programs as processes of their own on one stack, several of each."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL

import httpx

from tests.program_environment import program_environment

START_SECONDS = 120


class Program:
    """A process that may listen on a port, and its log."""

    def __init__(self, module: Sequence[str], folder: Path, **settings: str) -> None:
        self.name, self.port = folder.name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.listens = module[0] != "forecasting"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "log"
        listening = ["--port", str(self.port)] if self.listens else []
        self._command = [sys.executable, "-m", *module, *listening]
        self._environment = program_environment(TALLY_HOME=str(folder), **settings)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """True until it has ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and do not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Return when it is ready."""
        deadline = time.monotonic() + START_SECONDS
        while self.listens and self.ask("/readyz") != 200:
            assert self.is_running, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def ask(self, path: str) -> int:
        """The status of an address, 0 without an answer."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=10).status_code
        except httpx.HTTPError:
            return 0

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def end(self, number: int = SIGKILL) -> int:
        """Send a signal, and return the exit code."""
        if not self.is_running:
            return 0
        self.signal(number)
        assert self._process is not None
        return self._process.wait(60)

    def exit_code(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        return self._process.wait(60)

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
