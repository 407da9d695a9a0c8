"""Sending of the mails that are due: each account by itself, once for each period, however often a job looks.

A mail that was sent but not yet recorded when its sender died is sent again under the same Message-ID.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import psycopg

from tally.core.settings import Settings
from tally.core.text import printable
from tally.digests.mail import Envelope, write_mail
from tally.digests.make import make_digest
from tally.digests.periods import Kind
from tally.notifications.mail import Mail, Mailer, MailNotSent, MailRefused, open_mailer
from tally.storage.postgres import PostgresDatabase

Connection = psycopg.Connection[Any]
State = Literal["waiting", "sent", "empty", "failed"]

READ_SECONDS = 30  # of one account; a slow one waits for nobody else's
MAX_UNREACHABLE = 3  # in a row: the mail server is down, and the others wait for the next look
FIRST_RETRY, LAST_RETRY = timedelta(minutes=15), timedelta(hours=6)
KEPT = timedelta(days=400)

DUE = "select * from private.due_digests(%s)"
CLAIM = "select private.claim_digest(%s, %s, %s, %s, %s)"
RECORD = "update private.digests set state = %s, problem = %s, next_attempt_at = %s where id = %s"
FIND_LINK = "select private.unsubscribe_token(%s, %s)"
FORGET = "delete from private.digests where created_at < %s"
UNEXPECTED = "The mail could not be made. The log of the worker names the reason; it is tried again."


@dataclass(frozen=True, slots=True)
class Due:
    """A mail that is due."""

    workspace_id: UUID
    user_id: UUID
    email: str
    workspace: str
    kind: Kind
    today: date
    period_start: date
    attempts: int  # before this one


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt; `is_unreachable` if the mail server did not answer."""

    state: State
    problem: str | None = None
    is_unreachable: bool = False


def send_due(connection: Connection, settings: Settings, now: datetime) -> int:
    """Send what is due in autocommit and return how many mails were sent; one failure stops no other."""
    mailer = _open_mailer(settings)
    if mailer is None:
        return 0
    sender = _Sender(connection, mailer, settings.app_origin or "", now)
    sent = unreachable = 0
    for row in connection.execute(DUE, [now]).fetchall():
        outcome = sender.attempt(Due(*row))
        sent += outcome is not None and outcome.state == "sent"
        unreachable = unreachable + 1 if outcome and outcome.is_unreachable else 0
        if unreachable >= MAX_UNREACHABLE:
            break
    connection.execute(FORGET, [now - KEPT])
    return sent


def _open_mailer(settings: Settings) -> Mailer | None:
    try:
        return open_mailer(settings)
    except MailNotSent as problem:
        logging.getLogger(__name__).warning("No digests are sent. %s", problem)
        return None


@dataclass(frozen=True, slots=True)
class _Sender:
    """One look at what is due."""

    connection: Connection
    mailer: Mailer
    origin: str
    now: datetime

    def attempt(self, due: Due) -> Outcome | None:
        """Claim a mail, send it outside of any transaction, record the outcome; None if another has it."""
        arguments = [due.workspace_id, due.user_id, due.kind, due.period_start, self.now]
        [(digest_id,)] = self.connection.execute(CLAIM, arguments).fetchall()
        if digest_id is None:
            return None
        try:
            mail = self._make(due, digest_id)
            outcome = self._send(mail) if mail else Outcome("empty")
        except Exception as error:
            if self.connection.closed:
                raise
            reason = printable(f"{type(error).__name__}: {error}")
            logging.getLogger(__name__).warning("A digest of %s failed: %s", due.workspace_id, reason)
            outcome = Outcome("waiting", UNEXPECTED)
        wait = min(FIRST_RETRY * 2 ** min(due.attempts, 10), LAST_RETRY)
        self.connection.execute(RECORD, [outcome.state, outcome.problem, self.now + wait, digest_id])
        return outcome

    def _make(self, due: Due, digest_id: UUID) -> Mail | None:
        """Read as the recipient, who learns what the pages show them; None without anything to tell."""
        database = PostgresDatabase(self.connection, due.user_id, due.workspace_id, "tally digests")
        with self.connection.transaction():
            limit = f"{READ_SECONDS * 1000}ms"
            self.connection.execute("select set_config('statement_timeout', %s, true)", [limit])
            digest = make_digest(database, due.kind, due.today, self.now)
        if digest is None:
            return None
        offered = secrets.token_urlsafe(32)
        [(token,)] = self.connection.execute(FIND_LINK, [due.user_id, offered]).fetchall()
        envelope = Envelope(due.kind, due.email, self.origin, str(due.workspace_id), token, str(digest_id))
        return write_mail(digest, envelope)

    def _send(self, mail: Mail) -> Outcome:
        try:
            self.mailer.send(mail)
        except MailRefused as refused:
            return Outcome("failed", str(refused))
        except MailNotSent as problem:
            return Outcome("waiting", str(problem), is_unreachable=problem.code is None)
        return Outcome("sent")
