"""Quiet hours and daily digests in a workspace's zone, also on days with a change of clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tally.notifications.holding import Hours
from tally.notifications.retries import DELAYS, next_attempt
from tests.every_case import every_case

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(BERLIN, time(22), time(8))
NOON = Hours(BERLIN, time(12), time(13, 30))


def local(text: str) -> datetime:
    """An instant that clocks in Berlin show."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@every_case(
    [
        (NIGHT, "2026-11-29 21:59", None),
        (NIGHT, "2026-11-29 22:00", "2026-11-30 08:00"),
        (NIGHT, "2026-11-30 03:00", "2026-11-30 08:00"),
        (NIGHT, "2026-11-30 08:00", None),
        (NOON, "2026-11-30 12:00", "2026-11-30 13:30"),
        (NOON, "2026-11-30 13:30", None),
        (Hours(BERLIN), "2026-11-30 03:00", None),
        (Hours(BERLIN, is_daily=True), "2026-11-30 07:00", "2026-11-30 08:00"),
        (Hours(BERLIN, is_daily=True), "2026-11-30 08:00", "2026-12-01 08:00"),
        (Hours(BERLIN, time(22), time(9), is_daily=True), "2026-11-30 12:00", "2026-12-01 09:00"),
        # The night in which clocks go forward, and the one in which they go back.
        (NIGHT, "2026-03-28 23:00", "2026-03-29 08:00"),
        (NIGHT, "2026-10-24 23:00", "2026-10-25 08:00"),
        # Hours that end at a time that clocks jump over.
        (Hours(BERLIN, time(22), time(2, 30)), "2026-03-28 23:00", "2026-03-29 03:30"),
        # Hours that begin at such a time: they are shorter or none, never a day.
        (Hours(BERLIN, time(2, 30), time(3, 15)), "2026-03-29 12:00", None),
        (Hours(BERLIN, time(2, 30), time(3, 45)), "2026-03-29 03:40", "2026-03-29 03:45"),
    ]
)
def test_message_waits_for_the_end(hours: Hours, now: str, until: str | None) -> None:
    assert hours.hold_until(local(now).astimezone(UTC), "warning") == (local(until) if until else None)


def test_critical_message_waits_only_if_it_may_not_pass() -> None:
    now = local("2026-11-29 23:00")
    assert NIGHT.hold_until(now, "critical") is None
    assert Hours(BERLIN, time(22), time(8), urgent_passes=False).hold_until(now, "critical") is not None


SINCE = datetime(2024, 1, 1, tzinfo=UTC)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
MINUTES = st.integers(0, 1439).map(lambda minutes: time(minutes // 60, minutes % 60))


@given(
    ZONES,
    st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]),
    st.integers(0, 4 * 366 * 1440).map(lambda minutes: SINCE + timedelta(minutes=minutes)),
    st.booleans(),
)
def test_wait_ends_within_two_days_and_outside_of_quiet_hours(
    zone: str, quiet: tuple[time, time], now: datetime, is_daily: bool
) -> None:
    hours = Hours(ZoneInfo(zone), *quiet, is_daily=is_daily)
    until = hours.hold_until(now, "info")
    if until is None:
        assert not is_daily
        return
    assert now < until <= now + timedelta(hours=50)
    assert Hours(ZoneInfo(zone), *quiet).hold_until(until, "info") is None


NOW = datetime(2026, 11, 29, tzinfo=UTC)
END = NOW + timedelta(hours=24)


@given(st.integers(1, 50), st.integers(0, 86_000), st.floats(0, 90_000))
def test_next_attempt_is_within_the_day_and_not_before_the_service_allows(
    attempts: int, passed: int, wait: float
) -> None:
    now = NOW + timedelta(seconds=passed)
    due = next_attempt(attempts, now, END, wait)
    if due is None:
        assert now + timedelta(seconds=max(wait, 60)) >= END
        return
    assert now + timedelta(seconds=wait) <= due < END


def test_delays_grow_and_scatter() -> None:
    for attempts, delay in enumerate(DELAYS, start=1):
        dues = {next_attempt(attempts, NOW, END) for _ in range(50)}
        assert len(dues) > 10
        assert all(due is not None and delay <= due - NOW <= delay * 1.2 for due in dues)


def test_last_attempt_is_shortly_before_the_end() -> None:
    assert next_attempt(7, NOW + timedelta(hours=18), END) == END - timedelta(minutes=1)
