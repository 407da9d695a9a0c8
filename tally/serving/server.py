"""A web server that ends in order: balancers hear of it first, then open requests finish."""

import os
import signal
import socket
import time
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tally.serving.probes import Probes, Readiness


class Server(uvicorn.Server):
    """uvicorn, which goes on answering for a while after the first signal, with `/readyz` saying 503.

    Then it listens no more, closes WebSockets with 1012, on which browsers connect again, and waits for open
    requests. A second signal ends the wait.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float, name: str) -> None:
        super().__init__(config)
        self._readiness, self._drain_seconds, self._name = readiness, drain_seconds, name
        self._ends_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, then say so."""
        await super().startup(sockets)
        if self.started:
            address = f"http://{self.config.host}:{self.config.port}"
            print(f"{self._name} at {address} (Ctrl-C stops it)", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop at SIGTERM; stop at Ctrl-C, or at a second signal."""
        if sig == signal.SIGTERM and self._ends_at is None and self._drain_seconds > 0:
            self._readiness.is_stopping = True
            self._ends_at = time.monotonic() + self._drain_seconds
            return
        self._readiness.is_stopping = True
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """True once the process is to stop."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


def make_config(
    app: ASGIApp, readiness: Readiness, host: str, port: int, stop_seconds: int
) -> uvicorn.Config:
    """The configuration of a server behind a balancer, or of one that programs reach directly."""
    return uvicorn.Config(
        Probes(app, readiness),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=stop_seconds,
        server_header=False,
        ws_per_message_deflate=False,
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
    )
