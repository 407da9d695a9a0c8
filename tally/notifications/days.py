"""The costs of a day for a webhook: loaded as they are when they are sent, and noted once they arrived."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tally.notifications.claims import Claim

Connection = psycopg.Connection[Any]

ENQUEUE = "select private.enqueue_days()"
DESCRIBE = "select private.describe_day(%s, %s)"
NOTE = "select private.note_sent_day(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Day:
    """A day's figures, and the digest by which a change of them is seen."""

    figures: Mapping[str, Any]
    digest: str


def enqueue_days(connection: Connection) -> int:
    """Put the days that webhooks lack, or have otherwise, into the queue; returns how many."""
    [[enqueued]] = connection.execute(ENQUEUE).fetchall()
    return int(enqueued)


def load_day(connection: Connection, claim: Claim) -> Day:
    """The day that a delivery tells of."""
    [[told]] = connection.execute(DESCRIBE, [claim.channel_id, claim.day]).fetchall()
    return Day(told["figures"], told["digest"])


def note_day(connection: Connection, claim: Claim, digest: str) -> None:
    """Note that the channel has the day with this digest."""
    connection.execute(NOTE, [claim.channel_id, claim.day, digest])
