"""Emails through a mail server and into the outbox."""

import json
from dataclasses import replace
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from stat import S_IMODE

import pytest
from pydantic import SecretStr

from tally.core.settings import Settings
from tally.notifications.mail import (
    Mail,
    MailNotSent,
    MailRefused,
    MailServer,
    Outbox,
    open_mailer,
)
from tally.notifications.wording import clean
from tests.every_case import every_case
from tests.mail_server import mail_server

MAIL = Mail("grace@example.com", "Hello “Grace”", "First line\n\nhttp://127.0.0.1/a?b=c\n")


def settings(**values: object) -> Settings:
    return Settings.model_validate({"supabase_url": "", "supabase_publishable_key": "", **values})


def read(raw: str) -> EmailMessage:
    message = message_from_string(raw.replace("\r\n", "\n"), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_mail_server_receives_plain_text() -> None:
    with mail_server() as server:
        MailServer(f"smtp://127.0.0.1:{server.port}?from=tally@example.org").send(MAIL)

    message = read(server.mails[0])
    assert (message["To"], message["From"]) == ("grace@example.com", "Tally <tally@example.org>")
    assert message["Subject"] == "Hello “Grace”"
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == MAIL.text


def test_html_is_an_alternative_to_the_text() -> None:
    with mail_server() as server:
        mail = replace(
            MAIL, html="<p>Ümläut &amp; <b>more</b></p>", headers={"Auto-Submitted": "auto-generated"}
        )
        MailServer(f"smtp://127.0.0.1:{server.port}").send(mail)

    message = read(server.mails[0])
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), text.get_content()) == ("text/plain", MAIL.text)
    assert (html.get_content_type(), html.get_content().strip()) == ("text/html", mail.html)
    assert message["Auto-Submitted"] == "auto-generated"


def test_every_line_is_short_ascii() -> None:
    with mail_server() as server:
        mail = replace(MAIL, text="ü" * 3_000, html="<p>" + "x" * 3_000)
        MailServer(f"smtp://127.0.0.1:{server.port}").send(mail)

    assert server.mails[0].isascii()
    assert max(map(len, server.mails[0].splitlines())) <= 78


def test_mail_that_is_sent_again_has_the_same_identity() -> None:
    with mail_server() as server:
        sender = MailServer(f"smtp://127.0.0.1:{server.port}?from=tally@example.org")
        for mail in (replace(MAIL, key="d1"), replace(MAIL, key="d1"), MAIL, MAIL):
            sender.send(mail)

    first, again, *others = [read(mail)["Message-ID"] for mail in server.mails]
    assert first == again == "<d1@example.org>"
    assert len({first, *others}) == 3


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [("550 no such user", MailRefused, 550), ("451 greylisted", MailNotSent, 451)],
)
@pytest.mark.parametrize("question", ["to_recipients", "to_messages"])
def test_answer_tells_whether_trying_again_helps(
    question: str, answer: str, error: type[MailNotSent], code: int
) -> None:
    with mail_server() as server:
        setattr(server, question, answer)
        with pytest.raises(MailNotSent, match="does not accept") as refused:
            MailServer(f"smtp://127.0.0.1:{server.port}").send(MAIL)
    assert type(refused.value) is error
    assert refused.value.code == code
    assert answer[4:] not in str(refused.value)


@pytest.mark.parametrize("value", ["a\r\nBcc: all@example.com", "a\nb"])
def test_header_of_several_lines_is_refused(value: str) -> None:
    with mail_server() as server, pytest.raises(ValueError, match="linefeed or carriage return"):
        MailServer(f"smtp://127.0.0.1:{server.port}").send(replace(MAIL, headers={"X-Tally": value}))
    assert server.mails == []


def test_sender_is_tally_at_the_mail_server_by_default() -> None:
    with mail_server() as server:
        MailServer(f"smtp://localhost:{server.port}").send(MAIL)

    assert read(server.mails[0])["From"] == "Tally <tally@localhost>"


def test_line_breaks_add_no_headers() -> None:
    with mail_server() as server:
        hostile = Mail("grace@example.com", "Hi\r\nBcc: all@example.com\n\n<script>", "Hi\r\n.\r\nBcc: x\r\n")
        MailServer(f"smtp://127.0.0.1:{server.port}").send(hostile)

    message = read(server.mails[0])
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Hi")
    assert len(server.mails) == 1


@every_case(
    [
        (address,)
        for address in [
            "a@example.com, b@example.com",
            "a@example.com\nBcc: b@example.com",
            "nobody",
            "",
            "a@b c",
            "<a@b.c>",
        ]
    ]
)
def test_unusable_recipient_is_refused(address: str) -> None:
    with mail_server() as server, pytest.raises(MailNotSent, match="not an email address"):
        MailServer(f"smtp://127.0.0.1:{server.port}").send(Mail(address, "Hi", "Hi"))
    assert server.mails == []


def test_unreachable_server_is_explained_without_its_password() -> None:
    with pytest.raises(MailNotSent, match=r"could not be reached.*Check SMTP_URL") as failure:
        MailServer("smtp://ada:secret@127.0.0.1:9").send(MAIL)
    assert "secret" not in str(failure.value)


def test_password_is_not_sent_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.notifications.mail.LOOPBACK", ())
    with mail_server() as server, pytest.raises(MailNotSent, match="offers no encryption"):
        MailServer(f"smtp://ada:secret@127.0.0.1:{server.port}").send(MAIL)


@every_case(
    [(address,) for address in ["http://example.com", "smtp://", "example.com:25", "smtp://[", "smtp://h:x"]]
)
def test_unusable_setting_is_explained(address: str) -> None:
    with pytest.raises(MailNotSent, match="SMTP_URL must be"):
        open_mailer(settings(smtp_url=SecretStr(address)))


def test_outbox_keeps_the_mail_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    Outbox(folder).send(MAIL)

    (file,) = folder.iterdir()
    mail = json.loads(file.read_text(encoding="utf-8"))
    assert (mail["to"], mail["subject"], mail["text"]) == (MAIL.to, MAIL.subject, MAIL.text)
    assert [S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


def test_unwritable_outbox_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(MailNotSent, match="could not be written"):
        Outbox(file).send(MAIL)


def test_mail_server_wins_over_the_outbox_and_both_are_optional(tmp_path: Path) -> None:
    both = settings(smtp_url=SecretStr("smtp://localhost"), tally_outbox=tmp_path)
    assert isinstance(open_mailer(both), MailServer)
    assert isinstance(open_mailer(settings(tally_outbox=tmp_path)), Outbox)
    assert open_mailer(settings()) is None


@every_case(
    [
        ("Northwind", "Northwind"),
        ("a\r\nBcc: b@c.de", "a\ufffd\ufffdBcc: b@\u2060c.\u2060de"),
        ("https://evil.example/x", "https:\u2060/\u2060/\u2060evil.\u2060example/\u2060x"),
        ("  \t two  words ", "\ufffd two words"),
        ("\u202egnp.exe", "\ufffdgnp.\u2060exe"),
        ("x" * 200, "x" * 99 + "…"),
    ]
)
def test_name_is_one_line_and_no_link(name: str, quoted: str) -> None:
    assert clean(name) == quoted
