"""Emails with password reset codes: to the outbox folder, or through a mail server."""

import asyncio
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

import pytest
from supabase import Client, create_client

from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.embedded import free_port_block
from tests.supabase.parts import eventually


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
    sink, ready, stop, loop = MailServer(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(sink.run(ready, stop)))
    thread.start()
    assert ready.wait(5)
    yield sink
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def new_client(stack: Stack) -> Client:
    return create_client(stack.settings()["SUPABASE_URL"], stack.keys.publishable_key)


def sign_up(client: Client) -> str:
    email = f"{uuid.uuid4()}@example.com"
    client.auth.sign_up({"email": email, "password": "first password"})
    client.auth.sign_out()
    return email


def test_code_from_the_outbox_resets_the_password_once(stack: Stack) -> None:
    client = new_client(stack)
    email = sign_up(client)
    client.auth.reset_password_for_email(email)
    files = [file for file in stack.home.outbox.iterdir() if json.loads(file.read_text())["to"] == email]
    assert len(files) == 1
    assert S_IMODE(files[0].stat().st_mode) == 0o600
    mail = json.loads(files[0].read_text())
    assert re.fullmatch(r"\d{6}", mail["code"])
    assert mail["subject"]
    client.auth.verify_otp({"email": email, "token": mail["code"], "type": "recovery"})
    client.auth.update_user({"password": "second password"})
    assert client.auth.sign_in_with_password({"email": email, "password": "second password"}).session
    with pytest.raises(Exception, match=r"expired|invalid"):
        client.auth.verify_otp({"email": email, "token": mail["code"], "type": "recovery"})


def test_wrong_code_is_refused(stack: Stack) -> None:
    client = new_client(stack)
    email = sign_up(client)
    client.auth.reset_password_for_email(email)
    with pytest.raises(Exception, match=r"expired|invalid"):
        client.auth.verify_otp({"email": email, "token": "000000", "type": "recovery"})


def test_with_smtp_url_the_email_is_sent_and_not_stored(home: Path) -> None:
    with mail_server() as sink:
        address = f"smtp://127.0.0.1:{sink.port}?from=tally@example.org"
        with running_stack(home, free_port_block(), smtp_url=address, migrated=False) as stack:
            client = new_client(stack)
            email = sign_up(client)
            client.auth.reset_password_for_email(email)
            eventually(lambda: len(sink.mails) == 1)
            assert f"To: {email}" in sink.mails[0]
            assert "From: tally@example.org" in sink.mails[0]
            assert re.search(r"\b\d{6}\b", sink.mails[0])
            assert list(stack.home.outbox.iterdir()) == []
