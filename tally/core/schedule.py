"""Due times of the nightly run, in local time."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

DUE_AT = time(3, 15)


def last_due(now: datetime, zone: tzinfo | None = None) -> datetime:
    """The latest 03:15 that is not in the future, by the clocks of a zone, or else of this machine."""
    today = now.astimezone(zone).date()
    due = _due_on(today, zone)
    return due if due <= now.astimezone(UTC) else _due_on(today - timedelta(days=1), zone)


def next_due(now: datetime, zone: tzinfo | None = None) -> datetime:
    """The next 03:15 by the same clocks."""
    today = now.astimezone(zone).date()
    due = _due_on(today, zone)
    return due if due > now.astimezone(UTC) else _due_on(today + timedelta(days=1), zone)


def _due_on(day: date, zone: tzinfo | None) -> datetime:
    """The instant of a day's 03:15: the first of two, or as much later as clocks jump over it.

    The offset is that day's: with the one of now, the hour that clocks repeat would make a night due twice.
    """
    shown = datetime.combine(day, DUE_AT)
    return (shown.replace(tzinfo=zone) if zone else shown.astimezone()).astimezone(UTC).astimezone(zone)
