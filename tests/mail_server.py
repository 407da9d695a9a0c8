"""A mail server for tests."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer:
    """A minimal SMTP server that stores the emails it receives."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := (await reader.readline()).upper():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            if line.startswith(b"QUIT"):
                break
            writer.write(b"250 ok\r\n")
        writer.close()

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running mail server."""
    sink, ready, stop, loop = MailServer(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(sink.run(ready, stop)))
    thread.start()
    assert ready.wait(5)
    yield sink
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()
