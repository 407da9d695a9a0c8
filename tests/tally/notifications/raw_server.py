"""A server that answers as a test says, byte by byte, over TCP or TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behave = Callable[[socket.socket, threading.Event], None]


@dataclass
class RawServer:
    """A running server, with the requests that reached it."""

    address: str
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


def read_request(connection: socket.socket) -> bytes:
    """A request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: bytes = b"", headers: str = "") -> Behave:
    """Send one answer."""

    def behave(connection: socket.socket, _stopped: threading.Event) -> None:
        head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return behave


def silence(_connection: socket.socket, stopped: threading.Event) -> None:
    """Never answer."""
    stopped.wait(30)


def drip(connection: socket.socket, stopped: threading.Event) -> None:
    """Answer a byte at a time, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not stopped.wait(0.05):
        connection.sendall(b"x")


def slow_body(connection: socket.socket, stopped: threading.Event) -> None:
    """Answer with a status, and a body of which a byte comes now and then."""
    connection.sendall(b"HTTP/1.1 202 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not stopped.wait(0.05):
        connection.sendall(b"x")


def flood(connection: socket.socket, stopped: threading.Event) -> None:
    """Answer with 200 MB."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
    block = b"x" * 1_000_000
    for _ in range(200):
        if stopped.is_set():
            return
        connection.sendall(block)


@contextmanager
def raw_server(
    behave: Behave, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[RawServer]:
    """A running server on the loopback."""
    listener = socket.create_server((address, port))
    server = RawServer(address, listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
                with wrapped:
                    server.requests.append(read_request(wrapped))
                    behave(wrapped, server.stopped)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
