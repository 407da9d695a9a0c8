"""Verifying email addresses: a member's at once, any other once its reader has clicked a link."""

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from tally.notifications.claims import Claim
from tally.notifications.links import confirmation_link
from tally.notifications.mail import Mail
from tally.notifications.senders.protocol import Outcome
from tally.notifications.wording import clean

Connection = psycopg.Connection[Any]

IS_MEMBER = "select private.is_address_of_member(%s, %s)"
MAY_SEE = "select e.id from unnest(%s::uuid[]) as e (id) where private.may_be_told(%s, %s, e.id)"
# An own mailbox must not agree for another that took its place meanwhile.
BEGIN = """
select private.begin_confirmation(c.id, %s, %s)
from (select id from public.channels where id = %s and sealed_target = %s for no key update) as c"""
FORGET = "update public.channels set verified_at = null, verified_by = null where id = %s"

NO_ORIGIN = (
    "This address is no member's, so its reader has to click a link first, and links need APP_ORIGIN: the "
    "address under which people reach Tally. Set it, then test the channel again."
)
TOO_MANY = (
    "Three links were sent to this address within a day. Wait until tomorrow, then test the channel again."
)
CHANGED = "The channel got another address meanwhile."
NO_MEMBER = (
    "This address is no longer that of a member. Test the channel: its reader then gets a link to agree by."
)
HIDDEN = "Not sent: this member may not see what it is about."
TEXT = """\
The workspace “{workspace}” would like Tally to send its alerts about spending on AI to this address.

To get them, open this page and agree:
{link}

The link works for a week. If you did not expect this email, ignore it: without you, nothing is sent here.
"""


def is_member(connection: Connection, claim: Claim, address: str) -> bool:
    """True for the address of a member of the workspace."""
    [[answer]] = connection.execute(IS_MEMBER, [claim.workspace_id, address]).fetchall()
    return bool(answer)


def check_member(connection: Connection, claim: Claim, address: str) -> Outcome | None:
    """The refusal of an address that was verified as a member's and is none any more."""
    if claim.verified_by != "member" or is_member(connection, claim, address):
        return None
    connection.execute(FORGET, [claim.channel_id])
    return Outcome(problem=NO_MEMBER, is_final=True)


def select_visible(connection: Connection, claim: Claim, address: str, events: Sequence[UUID]) -> set[UUID]:
    """Those of the events that may be told to an address. Of a mailbox that is no member's, admins decide."""
    if claim.verified_by != "member" or not events:
        return set(events)
    values = [list(events), claim.workspace_id, address]
    return {event for (event,) in connection.execute(MAY_SEE, values)}


def write_confirmation(connection: Connection, claim: Claim, address: str, origin: str) -> Mail | Outcome:
    """The email with a new link, or the reason for none."""
    if not origin:
        return Outcome(problem=NO_ORIGIN, is_final=True)
    token = secrets.token_urlsafe(32)
    values = [address, token, claim.channel_id, claim.sealed_target]
    row = connection.execute(BEGIN, values).fetchone()
    if row is None:
        return Outcome(problem=CHANGED, is_final=True, is_fault=False)
    if not row[0]:
        return Outcome(problem=TOO_MANY, is_final=True)
    workspace = clean(claim.workspace)
    text = TEXT.format(workspace=workspace, link=confirmation_link(origin, token))
    headers = {"Auto-Submitted": "auto-generated"}
    return Mail(address, f"Alerts of “{workspace}” in Tally", text, "", headers, str(claim.id))
