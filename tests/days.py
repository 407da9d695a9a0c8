"""The day of a test, asked for when it runs: a run of all tests may begin before midnight, and end after."""

from datetime import UTC, date, datetime, timedelta


def current_day() -> date:
    """Today, in UTC."""
    return datetime.now(UTC).date()


def previous_day() -> date:
    """Yesterday, in UTC."""
    return current_day() - timedelta(days=1)
