"""`python -m api`: the API as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from tests.program_environment import program_environment

START_SECONDS = 60


class ApiProcess:
    """A process that can be ended in every way, and started again on its port."""

    def __init__(self, folder: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "api.log"
        defaults = {"TALLY_HOME": str(folder / "home"), "TALLY_DRAIN_SECONDS": "0"}
        self._environment = program_environment(**defaults | settings)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.end(signal.SIGKILL)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api", "--port", str(self.port)],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def end(self, number: int) -> int:
        """Send a signal, and wait for the end."""
        assert self._process is not None
        self.signal(number)
        code = self._process.wait(30)
        self._process = None
        return code

    def memory(self, name: str) -> int:
        """Bytes of its memory: VmRSS now, VmHWM at most since `forget_peak`."""
        return next(
            int(line.split()[1]) * 1024
            for line in (self._proc / "status").read_text().splitlines()
            if line.startswith(f"{name}:")
        )

    def forget_peak(self) -> None:
        """Let VmHWM begin at what the process has now."""
        (self._proc / "clear_refs").write_text("5")

    @property
    def _proc(self) -> Path:
        assert self._process is not None
        return Path("/proc") / str(self._process.pid)

    def log(self) -> str:
        """The output."""
        return self._log.read_text()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/nothing", timeout=2).status_code == 404
        except httpx.HTTPError:
            return False
