"""Due times of the nightly run, in local time."""

from datetime import datetime, timedelta

HOUR, MINUTE = 3, 15


def last_due(now: datetime) -> datetime:
    """The latest 03:15 that is not in the future."""
    today = now.replace(hour=HOUR, minute=MINUTE, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def next_due(now: datetime) -> datetime:
    """The next 03:15."""
    return last_due(now) + timedelta(days=1)
