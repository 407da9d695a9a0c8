"""A mail server for tests: real SMTP, with answers that a test can choose."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 ok"


@dataclass
class MailServer:
    """A server that stores the emails that it accepts."""

    mails: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    port: int = 0
    to_recipients: str = OK  # its answer to RCPT
    to_messages: str = OK  # its answer to DATA

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept or refuse an address."""
        if self.to_recipients == OK:
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Accept or refuse an email."""
        if self.to_messages == OK:
            assert isinstance(envelope.content, bytes)
            self.mails.append(envelope.content.decode())
            self.recipients += envelope.rcpt_tos
        return self.to_messages

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        """Serve until the event."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", 0
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running mail server."""
    server, ready, stop, loop = MailServer(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.run(ready, stop)))
    thread.start()
    assert ready.wait(60)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
