"""The ASGI app of the API: it verifies the key, reads the body, and calls the endpoint of the path."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from api.addresses import Addresses
from api.answers import JSON, PROTOBUF, Refusal, refuse
from api.bodies import BodyRoom, discard_body, read_body
from api.callers import Callers, Right, find_key
from tally.api_keys.verification import Grant
from tally.storage.database import DatabaseError, NotAllowed, Unreachable
from tally.telemetry.signals import Undecodable

LOG = logging.getLogger(__name__)
AGAIN_AFTER = 2
BROKEN = "Something went wrong in Tally. Its log says what it was; sending the same again will not help."
NOT_HERE = "There is nothing at this address. /v1/openapi.json describes those that there are."
WRONG_TYPE = "This Content-Type is not supported. Send {}."

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose key was verified, with its inflated body."""

    request: Request
    grant: Grant
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return media_type_of(self.request)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address: what it does, and the right that a key needs for it; without one, any key will do."""

    handle: Callable[[Call], Awaitable[Response]]
    right: Right | None
    methods: tuple[str, ...]
    media_types: tuple[str, ...] = ()  # of its bodies; none where it takes no body
    other: "Endpoint | None" = None  # of other methods

    def of(self, method: str) -> "Endpoint | None":
        """The endpoint of a method."""
        if method in self.methods:
            return self
        return self.other.of(method) if self.other else None

    @property
    def all_methods(self) -> tuple[str, ...]:
        """The methods that the address takes."""
        return self.methods + (self.other.all_methods if self.other else ())


class Workers:
    """A few threads for one kind of work, which would hold up the server's other requests."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "api")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in one of the threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args, **kwargs))


class Api:
    """Answers by whole paths. `lifespan` is entered before the first request and left after the last."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        callers: Callers,
        workers: Workers,
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._endpoints, self._callers, self._workers = endpoints, callers, workers
        self.addresses = Addresses(endpoints)
        self.lifespan = lifespan
        self._room = BodyRoom()

    def process(self) -> Starlette:
        """The app of a process that does nothing else."""
        return Starlette(routes=[Mount("/", app=self)], lifespan=lambda _: self.lifespan())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with ExitStack() as held:  # until the answer is sent
            try:
                answer = await self._answer(request, held)
            except ClientDisconnect:
                return
            await answer(scope, receive, send)

    async def _answer(self, request: Request, held: ExitStack) -> Response:
        try:
            return await self._handle(request, held)
        except Refusal as refusal:
            problem = refusal
        except Exception as error:
            if isinstance(error, ClientDisconnect):
                raise
            problem = translate(error)
        if not request._stream_consumed:
            await discard_body(request)
        media_type = PROTOBUF if media_type_of(request) == PROTOBUF else JSON
        return refuse(problem, media_type, body_was_read=request._stream_consumed)

    async def _handle(self, request: Request, held: ExitStack) -> Response:
        address = self.addresses.find(request.scope["path"])
        if address is None:
            raise Refusal(404, NOT_HERE)
        endpoint = self._endpoints[address].of(request.method)
        if endpoint is None:
            takes = " and ".join(self._endpoints[address].all_methods)
            raise Refusal(405, f"This address takes {takes} only.")
        host = request.client.host if request.client else None
        grant = await self._workers.run(self._callers.admit, find_key(request.headers), host, endpoint.right)
        if endpoint.media_types and media_type_of(request) not in endpoint.media_types:
            raise Refusal(415, WRONG_TYPE.format(" or ".join(endpoint.media_types)))
        held.enter_context(self._callers.one_of(grant, endpoint.right))
        share = held.enter_context(self._room.take())
        body = await read_body(request, share) if endpoint.media_types else b""
        return await endpoint.handle(Call(request, grant, body))


def media_type_of(request: Request) -> str:
    """The Content-Type of a request without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def translate(error: Exception) -> Refusal:
    """The refusal for an error; one that nobody foresaw is logged."""
    if isinstance(error, Unreachable):
        return Refusal(503, str(error), AGAIN_AFTER)
    if isinstance(error, NotAllowed):
        return Refusal(403, str(error))
    if isinstance(error, DatabaseError):
        LOG.warning("The database refused what a program sent: %s", error)
        return Refusal(503, str(error), AGAIN_AFTER)
    if isinstance(error, Undecodable):
        return Refusal(400, str(error))
    LOG.error("A request of a program failed.", exc_info=error)
    return Refusal(500, BROKEN)
