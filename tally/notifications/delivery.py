"""Sending what is due. Each message is claimed, sent outside of any transaction, then recorded.

A sender that dies in between leaves its claim, which ends after minutes; then the message is sent again with
the same identity, by which receivers tell that it is the same.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tally.core.errors import TallyError
from tally.core.settings import Settings
from tally.notifications.claims import Claim, Event, claim, load_parts
from tally.notifications.composing import compose, compose_day
from tally.notifications.confirmations import (
    HIDDEN,
    check_member,
    is_member,
    select_visible,
    write_confirmation,
)
from tally.notifications.days import Day, load_day, note_day
from tally.notifications.mail import Mail, MailNotSent, MailRefused, open_mailer
from tally.notifications.messages import Message
from tally.notifications.recording import record
from tally.notifications.releasing import release
from tally.notifications.senders import SENDERS, email
from tally.notifications.senders.protocol import Outcome, Target
from tally.notifications.sending import post
from tally.notifications.targets import open_target
from tally.notifications.transport import AddressRefused, NotDelivered
from tally.secrets.key_ring import VaultError, load_key_ring

Connection = psycopg.Connection[Any]

AT_ONCE = 8
SECONDS = 50.0  # after that nothing new is begun; the next call goes on
NO_MAIL_SERVER = "Tally has no mail server, so it cannot send emails. Set SMTP_URL (see README)."
BROKEN = "Tally could not write this message. Its log says why."

Send = Callable[[], Outcome]


@dataclass(slots=True)
class Report:
    """Counts of messages that were delivered, wait for another attempt, or have failed."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0

    def add(self, state: str) -> None:
        """Count a message."""
        setattr(self, state, getattr(self, state) + 1)


def deliver_due(connection: Connection, settings: Settings, seconds: float = SECONDS) -> Report:
    """Send every message that is due, several at once, at most one to each channel. Needs autocommit."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="alerts") as pool:
        return _Round(connection, settings, pool).run(time.monotonic() + seconds)


@dataclass(slots=True)
class _Running:
    """A message on its way, and how its channel is verified if it arrives."""

    claim: Claim
    verified_by: str | None = None
    day: Day | None = None


@dataclass(slots=True)
class _Round:
    """One call: the database is used by the caller's thread alone."""

    connection: Connection
    settings: Settings
    pool: ThreadPoolExecutor
    report: Report = field(default_factory=Report)
    running: dict[Future[Outcome], _Running] = field(default_factory=dict)
    mail_works: bool = True  # else emails wait for the next round, and delay no other message

    def run(self, ends_at: float) -> Report:
        """Begin messages until none is due or the time is over, and record each as it ends."""
        while True:
            begun = self._begin_due() if time.monotonic() < ends_at else 0
            if not self.running:
                if not begun:
                    return self.report
                continue
            done, _ = wait(self.running, return_when=FIRST_COMPLETED, timeout=1)
            for future in done:
                ended, outcome = self.running.pop(future), future.result()
                is_down = outcome.problem and outcome.status is None and not outcome.is_final
                if ended.claim.channel_kind == "email" and is_down:
                    self.mail_works = False
                self._record(ended, outcome)

    def _begin_due(self) -> int:
        """Begin as many messages as may run at once, and return how many there were."""
        release(self.connection)
        claims = claim(self.connection, AT_ONCE - len(self.running), self.mail_works)
        for one in claims:
            self._begin(one)
        return len(claims)

    def _begin(self, one: Claim) -> None:
        """Prepare a message with the database, and send it without."""
        try:
            target = open_target(load_key_ring(self.settings), one.sealed, one.owner)
        except VaultError as problem:
            self._record(_Running(one), Outcome(problem=str(problem)))
            return
        if one.channel_kind == "email":
            self._begin_email(one, target)
            return
        if one.day is not None:
            self._begin_day(one, target)
            return
        parts = load_parts(self.connection, one.id) if one.kind == "digest" else []
        verified_by = "message" if one.kind == "verify" else None
        self._submit(_Running(one, verified_by), lambda: _send(self.settings, one, target, parts))

    def _begin_email(self, one: Claim, target: Target) -> None:
        address, origin = target["address"], self.settings.app_origin or ""
        verified_by = None
        if one.kind == "verify" and not one.must_agree and is_member(self.connection, one, address):
            verified_by = "member"
        elif one.kind == "verify":
            written = write_confirmation(self.connection, one, address, origin)
            if isinstance(written, Outcome):
                self._record(_Running(one), written)
            else:
                self._submit(_Running(one), lambda: _send_email(self.settings, written))
            return
        refusal = check_member(self.connection, one, address)
        if refusal is not None:
            self._record(_Running(one), refusal)
            return
        parts = load_parts(self.connection, one.id) if one.kind == "digest" else []
        events = [part.event_id for part in parts] + ([one.event_id] if one.event_id else [])
        visible = select_visible(self.connection, one, address, events)
        if events and not visible:
            self._record(_Running(one), Outcome(problem=HIDDEN, is_final=True, is_fault=False))
            return
        shown = [part for part in parts if part.event_id in visible]
        self._submit(
            _Running(one, verified_by),
            lambda: _send_email(self.settings, email.write(compose(one, shown, origin), target, origin)),
        )

    def _begin_day(self, one: Claim, target: Target) -> None:
        try:
            day = load_day(self.connection, one)
        except psycopg.DataError:  # sums beyond what numbers hold: of this workspace alone
            logging.getLogger(__name__).exception("The day of %s could not be summed up.", one.id)
            self._record(_Running(one), Outcome(problem=BROKEN))
            return
        message = compose_day(one, day.figures)
        self._submit(_Running(one, day=day), lambda: _post(self.settings, one, target, message))

    def _submit(self, running: _Running, send: Send) -> None:
        self.running[self.pool.submit(_guard, running.claim, send)] = running

    def _record(self, ended: _Running, outcome: Outcome) -> None:
        """Store an outcome; where that fails, the claim ends after minutes, and the message is sent again."""
        one = ended.claim
        try:
            with self.connection.transaction():
                state = record(self.connection, one, outcome, ended.verified_by)
                if ended.day is not None and state == "sent":
                    note_day(self.connection, one, ended.day.digest)
        except psycopg.Error:  # a fault in one message stops no other
            if self.connection.closed:
                raise
            logging.getLogger(__name__).exception("The outcome of %s could not be stored.", one.id)
            state = "waiting"
        self.report.add(state)


def _send_email(settings: Settings, mail: Mail) -> Outcome:
    try:
        mailer = open_mailer(settings)
        if mailer is None:
            return Outcome(problem=NO_MAIL_SERVER)
        mailer.send(mail)
    except MailNotSent as problem:
        return Outcome(problem.code, str(problem), is_final=isinstance(problem, MailRefused))
    return Outcome()


def _send(settings: Settings, one: Claim, target: Target, parts: Sequence[Event]) -> Outcome:
    return _post(settings, one, target, compose(one, parts, settings.app_origin or ""))


def _post(settings: Settings, one: Claim, target: Target, message: Message) -> Outcome:
    sender = SENDERS[one.channel_kind]
    try:
        answer = post(settings, one.channel_kind, sender.compose(message, target))
    except AddressRefused as problem:
        return Outcome(problem=str(problem), is_final=True)
    except NotDelivered as problem:
        return Outcome(problem=str(problem))
    return sender.judge(answer)


def _guard(one: Claim, send: Send) -> Outcome:
    """The outcome, also of a message that cannot be written: it stops no other."""
    try:
        return send()
    except TallyError as problem:
        return Outcome(problem=str(problem))
    except Exception:  # a fault in one message stops no other
        logging.getLogger(__name__).exception("The message %s could not be written.", one.id)
        return Outcome(problem=BROKEN)
