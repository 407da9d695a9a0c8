"""Emails with password reset codes: to the outbox folder, or through a mail server."""

import json
import re
import uuid
from pathlib import Path
from stat import S_IMODE

import httpx
import pytest
from supabase import Client, create_client

from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.app.app_server import AppServer
from tests.embedded import free_port_block
from tests.mail_server import mail_server
from tests.supabase.parts import connect, eventually


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

    def mails() -> list[Path]:
        return [file for file in stack.home.outbox.iterdir() if json.loads(file.read_text())["to"] == email]

    eventually(lambda: len(mails()) == 1)
    files = mails()
    assert S_IMODE(files[0].stat().st_mode) == 0o600
    mail = json.loads(files[0].read_text())
    assert re.fullmatch(r"\d{6}", mail["code"])
    assert mail["subject"] == "Your code for Tally"
    assert mail["text"].startswith(
        f"Choose the password of your account in Tally. Enter this code:\n{mail['code']}\n"
    )
    assert "/auth/v1/verify?" in mail["text"]
    assert "If you did not ask for it, ignore this email" in mail["text"]
    assert not re.search(r"[{}<>]", mail["text"])
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
            email = sign_up(client)  # the first account
            client.auth.reset_password_for_email(email)
            eventually(lambda: len(sink.mails) == 1)
            assert f"To: {email}" in sink.mails[0]
            assert "Subject: Your code for Tally" in sink.mails[0]
            assert "valid for one hour" in sink.mails[0]
            assert "From: tally@example.org" in sink.mails[0]
            assert re.search(r"\b\d{6}\b", sink.mails[0])
            assert list(stack.home.outbox.iterdir()) == []


def test_open_sign_up_never_tells_if_an_address_has_an_account(home: Path, tmp_path: Path) -> None:
    with mail_server() as sink:
        address = f"smtp://127.0.0.1:{sink.port}?from=tally@example.org"
        with running_stack(home, free_port_block(), smtp_url=address, migrated=False) as stack:
            known, stranger = first_account(stack), f"{uuid.uuid4()}@example.com"
            with AppServer(tmp_path, stack.settings()) as server, server.browser("192.0.2.1") as browser:
                shown = [
                    browser.post("/signup", data={"email": email, "password": "guessed by somebody"})
                    for email in (known, stranger)
                ]
                eventually(lambda: len(sink.mails) == 2)
                code = re.search(r"\b\d{6}\b", next(mail for mail in sink.mails if stranger in mail))
                assert code is not None
                values = {"email": stranger, "code": code[0], "password": "chosen by its owner"}
                done = browser.post("/reset", data=values)
            pages = {page.text.replace(known, "").replace(stranger, "") for page in shown}
            assert len(pages) == 1
            assert "Enter it and choose your password." in shown[0].text
            assert (done.status_code, done.headers["location"]) == (303, "/")
            assert [
                _may_sign_in(stack, stranger, word) for word in ("guessed by somebody", values["password"])
            ] == [
                False,
                True,
            ]
            assert not _may_sign_in(stack, known, "guessed by somebody")


def first_account(stack: Stack) -> str:
    with connect(stack, "supabase_admin") as database:
        found = database.execute("select email from auth.users order by created_at limit 1").fetchone()
    return str(found[0]) if found else sign_up(new_client(stack))


def _may_sign_in(stack: Stack, email: str, password: str) -> bool:
    url = f"{stack.settings()['SUPABASE_URL']}/auth/v1/token?grant_type=password"
    headers = {"apikey": stack.keys.publishable_key}
    return httpx.post(url, json={"email": email, "password": password}, headers=headers).status_code == 200
