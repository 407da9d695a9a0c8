"""Addresses that balancers ask: is the process alive, and may it get requests?"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tally.core.errors import TallyError

ALIVE, READY = "/healthz", "/readyz"
REPEAT_SECONDS = 1.0  # anybody may ask, and often: the database is asked once
STARTING = "This process is starting."
STOPPING = "This process is stopping. Another one answers."
AWAY = "The database does not answer."


@dataclass
class Readiness:
    """The answer to `/readyz`: each check raises TallyError or psycopg.Error with what is missing."""

    checks: list[Callable[[], object]] = field(default_factory=list)
    is_stopping: bool = False
    _asked_at: float = float("-inf")
    _problem: str = STARTING
    _asking: threading.Lock = field(default_factory=threading.Lock)

    async def find_problem(self) -> str:
        """The reason why requests should go elsewhere, or nothing."""
        if self.is_stopping:
            return STOPPING
        if time.monotonic() - self._asked_at > REPEAT_SECONDS and self._asking.acquire(blocking=False):
            try:
                self._problem = await run_in_threadpool(self._look)
            finally:
                self._asked_at = time.monotonic()
                self._asking.release()
        return self._problem

    def _look(self) -> str:
        try:
            for check in self.checks:
                check()
        except TallyError as problem:
            return str(problem)
        except psycopg.Error:
            return AWAY
        return ""


class Probes:
    """ASGI middleware that answers the probes, under any name of this server.

    While the process stops, its answers end their connections, so that clients open the next elsewhere.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self.app, self._readiness = app, readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in (ALIVE, READY):
            await self._answer(scope["path"], send)
        elif scope["type"] == "http" and self._readiness.is_stopping:
            await self.app(scope, receive, _ending(send))
        else:
            await self.app(scope, receive, send)

    async def _answer(self, path: str, send: Send) -> None:
        problem = await self._readiness.find_problem() if path == READY else ""
        state = {"status": "alive" if path == ALIVE else "not ready" if problem else "ready"}
        body = json.dumps(state | ({"reason": problem} if problem else {})).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        status = 503 if problem else 200
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _ending(send: Send) -> Send:
    async def send_and_end(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [each for each in message["headers"] if each[0].lower() != b"connection"]
            message = {**message, "headers": [*kept, (b"connection", b"close")]}
        await send(message)

    return send_and_end
