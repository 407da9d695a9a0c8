"""An ASGI app behind uvicorn in a thread, on a free port."""

import threading
import time
from typing import Self

import httpx
import uvicorn
from starlette.types import ASGIApp

from api.service import Api

START_SECONDS = 60


class AppInThread:
    """A server; leaving it stops it as a signal would."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._clients: list[httpx.Client] = []

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            assert self._thread.is_alive(), "The API did not start."
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(START_SECONDS)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address that programs are given."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str | None = None, **headers: str) -> httpx.Client:
        """A client, with a key in Authorization."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = given | ({"authorization": f"Bearer {key}"} if key else {})
        client = httpx.Client(base_url=self.url, headers=sent, timeout=30)
        self._clients.append(client)
        return client


class ApiServer(AppInThread):
    """The API as programs reach it."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.process())
        self.api = api
