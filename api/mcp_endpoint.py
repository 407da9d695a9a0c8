"""`/mcp`: the tools over HTTP, each request on its own.

The library takes seconds to import and 30 MB, so that it is loaded by the first request.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.reading import Reading
from api.service import Call, Workers
from tally.api_keys.verification import Grant

_caller: ContextVar[Grant] = ContextVar("caller")


class McpEndpoint:
    """The endpoint of the tools. `running` is entered before the first request and left after the last."""

    def __init__(self, reading: Reading, workers: Workers, version: str) -> None:
        self._reading, self._workers, self._version = reading, workers, version
        self._started: asyncio.Task[ASGIApp] | None = None
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def handle(self, call: Call) -> Response:
        """Answer a message of the protocol."""
        if self._started is None or (self._started.done() and self._started.exception()):
            self._started = asyncio.create_task(self._start())
        return Passed(await asyncio.shield(self._started), call)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End the tools with the process."""
        try:
            yield
        finally:
            self._ends.set()
            if self._task is not None:
                await self._task

    async def _start(self) -> ASGIApp:
        server = await self._workers.run(self._make_server)
        app: ASGIApp = server.streamable_http_app(
            stateless_http=True, json_response=True, transport_security=_without_host_check()
        )
        begun = asyncio.Event()
        self._task = asyncio.create_task(self._serve(server, begun))
        await begun.wait()
        return app

    async def _serve(self, server: Any, begun: asyncio.Event) -> None:
        async with server.session_manager.run():
            begun.set()
            await self._ends.wait()

    def _make_server(self) -> Any:
        from api.tools import make_server

        async def ask(load: Any) -> dict[str, Any]:
            grant = _caller.get()
            return await self._reading.load(grant, lambda database: load(database, grant.project_id))

        return make_server(ask, self._version)


class Passed(Response):
    """The answer of the tools to a request whose body was read."""

    def __init__(self, app: ASGIApp, call: Call) -> None:
        super().__init__()
        self._app, self._call = app, call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = False

        async def receive_again() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": self._call.body, "more_body": False}

        kept = [each for each in scope["headers"] if each[0] not in (b"content-encoding", b"content-length")]
        token = _caller.set(self._call.grant)
        try:
            await self._app({**scope, "headers": kept}, receive_again, send)
        finally:
            _caller.reset(token)


def _without_host_check() -> Any:
    """The gate knows the names of this server, and a page of another site has no key."""
    from mcp.server.transport_security import TransportSecuritySettings

    return TransportSecuritySettings(enable_dns_rebinding_protection=False)
