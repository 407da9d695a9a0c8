"""The schedule by which a message that was not delivered is tried again."""

import random
from datetime import datetime, timedelta

# The schedule of Standard Webhooks, until a day has passed: an older alert is noise.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600))
LAST_CHANCE = timedelta(minutes=1)
JITTER = 0.2  # of the delay, so that not everything comes back at once


def next_attempt(attempts: int, now: datetime, expires_at: datetime, wait: float = 0) -> datetime | None:
    """The time of the next attempt after so many, not before `wait` seconds; None if that is too late.

    The last one is shortly before the end, however long the delay would be.
    """
    delay = DELAYS[min(attempts, len(DELAYS)) - 1]
    delay += delay * JITTER * random.random()  # noqa: S311 - no secret
    due = now + max(min(delay, expires_at - now - LAST_CHANCE), timedelta(seconds=wait))
    return due if now < due < expires_at else None
