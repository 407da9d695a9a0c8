"""Tally's web server as a real uvicorn process, with a browser-like client."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class AppServer:
    """`python -m uvicorn app.server.main:app` on a free port, started outside the checkout."""

    def __init__(self, folder: Path, environment: dict[str, str], port: int | None = None) -> None:
        self.folder, self.port = folder, port or _free_port()
        self.url = f"http://localhost:{self.port}"
        self._log = folder / "app.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
        defaults = {
            "TALLY_HOME": str(folder),
            "PYTHONPATH": str(CHECKOUT),
            "APP_ORIGIN": self.url,
            "TALLY_OUTBOX": str(folder / "outbox"),
            "TALLY_RENDER_WAIT_SECONDS": "10",  # a browser among other tests may take longer than a user's
        }
        self._environment = clean | defaults | environment

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until the health check succeeds."""
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "app.server.main:app",
            "--port",
            str(self.port),
            "--no-access-log",
            "--ws-per-message-deflate",
            "false",
        ]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"The app did not start:\n{self.log()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop, and wait until the process ends."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def log(self) -> str:
        """The output of the server."""
        return self._log.read_text()

    def browser(self, address: str | None = None) -> httpx.Client:
        """A client that keeps cookies and sends its origin, as a browser of this site does.

        `address` is the client's IP address as reported by a proxy.
        """
        headers = {"origin": self.url, "accept": "text/html"}
        if address:
            headers["x-forwarded-for"] = address
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_stcore/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
