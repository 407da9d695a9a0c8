"""Emails: through the mail server of SMTP_URL, or into the folder TALLY_OUTBOX."""

import json
import os
import secrets
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from tally.core.errors import TallyError
from tally.core.settings import Settings
from tally.core.text import printable
from tally.core.tls import certificates

TIMEOUT_SECONDS = 20
TLS_PORT, SUBMISSION_PORT, PLAIN_PORT = 465, 587, 25
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Unfolded(UnstructuredHeader, BaseHeader):
    """A header on one line: folding would encode a long address, and no mail program could use it."""

    def fold(self, *, policy: Policy) -> str:
        """The line."""
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-unsubscribe", Unfolded)
POLICY = SMTP.clone(cte_type="7bit", header_factory=HEADERS)  # any server passes it on unchanged


class MailNotSent(TallyError):
    """The email could not be sent; the text says why, without credentials."""

    code: int | None = None  # the mail server's answer


class MailRefused(MailNotSent):
    """The mail server refuses this email for good: another attempt ends the same."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Mail:
    """An email to one address: plain text, and perhaps the same as HTML.

    `headers` are added to those of every email. An email that may be sent again has a `key`, from which its
    Message-ID is made: mail programs show it once.
    """

    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


class Mailer(Protocol):
    """A way to send emails."""

    def send(self, mail: Mail) -> None:
        """Send an email; raises MailNotSent."""


def open_mailer(settings: Settings) -> Mailer | None:
    """The mail server, or else the outbox, or None; raises MailNotSent for an unusable SMTP_URL."""
    if settings.smtp_url is not None:
        return MailServer(settings.smtp_url.get_secret_value())
    return Outbox(settings.tally_outbox) if settings.tally_outbox else None


class MailServer:
    """SMTP, as `supabase/local/mail.mjs` reads its address: smtp://user:password@host:587?from=tally@example.org.

    smtps:// encrypts from the start; smtp:// as soon as the server offers it.
    """

    def __init__(self, address: str) -> None:
        self._url = _parse_address(address)
        self._user, self._password = unquote(self._url.username or ""), unquote(self._url.password or "")
        self._host = self._url.hostname or ""
        self._from = parse_qs(self._url.query).get("from", [f"tally@{self._host}"])[0]

    def send(self, mail: Mail) -> None:
        message = _compose(mail, self._from)
        try:
            with self._connect() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(message, self._from, [mail.to])
        except smtplib.SMTPAuthenticationError:
            raise MailNotSent("The mail server does not accept the user and password of SMTP_URL.") from None
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), None)
            raise _refusal("The mail server does not accept this email address.", code) from None
        except smtplib.SMTPDataError as error:
            raise _refusal("The mail server does not accept this email.", error.smtp_code) from None
        except (smtplib.SMTPException, OSError, UnicodeError):
            raise MailNotSent(
                "The mail server could not be reached, or refused the email. Check SMTP_URL."
            ) from None

    def _connect(self) -> smtplib.SMTP:
        if self._url.scheme == "smtps":
            port = self._url.port or TLS_PORT
            return smtplib.SMTP_SSL(self._host, port, timeout=TIMEOUT_SECONDS, context=certificates())
        port = self._url.port or (SUBMISSION_PORT if self._user else PLAIN_PORT)
        server = smtplib.SMTP(self._host, port, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=certificates())
        elif self._user and self._host not in LOOPBACK:
            server.close()
            raise MailNotSent(
                "The mail server offers no encryption, so no password is sent. Use smtps:// in SMTP_URL."
            )
        return server


class Outbox:
    """A folder for emails on a machine without a mail server, as the sign-in service uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: Mail) -> None:
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        content: dict[str, object] = {
            "to": mail.to,
            "subject": mail.subject,
            "code": None,
            "sent_at": sent_at,
            "text": mail.text,
        }
        content |= {"html": mail.html} if mail.html else {}
        content |= {"headers": dict(mail.headers)} if mail.headers else {}
        content |= {"key": mail.key} if mail.key else {}
        file = self._folder / f"{sent_at.replace(':', '-')}-{secrets.token_hex(3)}.json"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        except OSError:
            raise MailNotSent(f"The email could not be written to {self._folder}.") from None


def _compose(mail: Mail, sender: str) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    try:
        message["From"] = Address(display_name="Tally", addr_spec=sender)
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = " ".join(printable(mail.subject).split())
        message["Date"] = format_datetime(datetime.now(UTC))
        domain = sender.rpartition("@")[2]
        message["Message-ID"] = f"<{mail.key}@{domain}>" if mail.key else make_msgid(domain=domain)
    except (MessageError, ValueError, IndexError):
        raise MailRefused("This is not an email address that can be written to.") from None
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def _refusal(text: str, code: int | None) -> MailNotSent:
    """The error for a mail server's answer: those from 500 are final."""
    if code is not None and code >= 500:
        return MailRefused(text, code)
    error = MailNotSent(f"{text} It may do so later.")
    error.code = code
    return error


def _parse_address(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        is_usable = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise MailNotSent(
            "SMTP_URL must be the address of a mail server, such as smtp://user:password@host:587."
        )
    return url
