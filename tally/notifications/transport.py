"""One request to an address that a person gave: to the public internet alone, once, small and within seconds.

The name is resolved here, all of its addresses are checked, and the connection goes to a checked one: a name
that resolves to another address a moment later leads nowhere. Redirects, proxies of the environment and
cookies do not exist at this level. Of the answer, senders read the status; nobody is shown it.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

import httpcore
import httpx

from tally.core.errors import TallyError
from tally.core.tls import certificates
from tally.notifications.public_addresses import is_local_name, is_metadata, is_public

TOTAL_SECONDS = 10.0
MAX_BYTES = 65_536
USER_AGENT = "Tally alerts"

Resolve = Callable[[str, int], Sequence[str]]


class NotDelivered(TallyError):
    """The request got no answer; the text says why. Another attempt may end otherwise."""


class AddressRefused(TallyError):
    """The request must not be sent at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message in a service's form, sent by POST."""

    url: str = field(repr=False)  # it may contain a secret
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, of whose body at most 64 kB were read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def refusal(host: str) -> str:
    """The reason for which nothing is sent to an address."""
    if is_metadata(host):
        return refusal_of_metadata(host)
    return (
        f"{host} is not on the public internet, so nothing is sent there. On a Tally of your own, "
        "TALLY_ALLOW_PRIVATE_WEBHOOKS=1 allows it."
    )


def refusal_of_metadata(host: str) -> str:
    """The same for an address that no setting allows."""
    return f"{host} is where a cloud's machine finds its own credentials, so nothing is sent there."


@dataclass(frozen=True, slots=True)
class Transport:
    """The way out. Tests give another resolver, other certificates, or other addresses that are allowed."""

    allows: Callable[[str], bool] = is_public
    allows_local_names: bool = False
    refuse: Callable[[str], str] = refusal
    resolve: Resolve = resolve
    seconds: float = TOTAL_SECONDS
    tls: Callable[[], ssl.SSLContext] = certificates

    def post(self, request: Request) -> Answer:
        """Send a request and return the answer; raises NotDelivered or AddressRefused."""
        try:
            url = httpx.URL(request.url)
        except httpx.InvalidURL:
            raise AddressRefused("This is not the address of a server.") from None
        host = url.host
        if not self.allows_local_names and is_local_name(host):
            raise AddressRefused(self.refuse(host))
        deadline = time.monotonic() + self.seconds
        backend = _CheckedBackend(self, deadline)
        try:
            with httpcore.ConnectionPool(ssl_context=self.tls(), network_backend=backend, retries=0) as pool:
                return _exchange(pool, url, request, deadline)
        except (httpcore.TimeoutException, TimeoutError):
            raise NotDelivered(f"{host} did not answer within {self.seconds:g} seconds.") from None
        except httpcore.ConnectError as error:
            is_tls = isinstance(error.__cause__, ssl.SSLError) or "certificate" in str(error).lower()
            reason = "has no valid certificate" if is_tls else "could not be reached"
            raise NotDelivered(f"{host} {reason}.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            raise NotDelivered(f"{host} ended the connection without an answer.") from None


def _exchange(pool: httpcore.ConnectionPool, url: httpx.URL, request: Request, deadline: float) -> Answer:
    headers = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)),
        "Connection": "close",
        **request.headers,
    }
    seconds = max(deadline - time.monotonic(), 0.001)
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    encoded = [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]
    with pool.stream(
        "POST", target, headers=encoded, content=request.body, extensions={"timeout": timeout}
    ) as response:
        body = b""
        with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            # The status is known; whoever drips the rest, or sends without end, is not waited for.
            for chunk in response.iter_stream():
                body += chunk[: MAX_BYTES - len(body)]
                if len(body) >= MAX_BYTES or time.monotonic() >= deadline:
                    break
        read = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
        return Answer(response.status, read, body)


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to checked addresses only, and ends everything at the deadline."""

    def __init__(self, transport: Transport, deadline: float) -> None:
        self._transport, self._deadline = transport, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        if not addresses or not all(map(self._transport.allows, addresses)):
            raise AddressRefused(self._transport.refuse(host))
        problem: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                stream = super().connect_tcp(
                    address, port, _left(self._deadline, timeout), local_address, socket_options
                )
            except httpcore.ConnectError as error:
                problem = error
            else:
                return _LimitedStream(stream, self._deadline)
        raise problem

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses; resolving has no limit of its own, so it happens in a thread that may be left."""
        answers: Queue[Sequence[str] | OSError] = Queue()

        def ask() -> None:
            try:
                answers.put(self._transport.resolve(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError())

        threading.Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=_left(self._deadline))
        except Empty:
            raise httpcore.ConnectTimeout from None
        if isinstance(answer, OSError):
            raise httpcore.ConnectError from answer
        return answer


class _LimitedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends at the deadline, however little comes each time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _LimitedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None = None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)
