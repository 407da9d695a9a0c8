"""Periods of a page: presets, and days from the address."""

from datetime import date

from app.ui.periods import parse_period, preset_period
from tests.every_case import every_case

TODAY = date(2026, 11, 20)


def test_periods_end_today_and_compare_with_as_many_days_before() -> None:
    period = preset_period("30D", TODAY)
    chosen = parse_period({"from": "2026-11-01", "to": "2030-01-01"}, TODAY)

    assert period.first == date(2026, 10, 22)
    assert period.before is not None
    assert (period.before.first, period.before.last) == (date(2026, 9, 22), date(2026, 10, 21))
    assert chosen is not None
    assert chosen.last == TODAY
    assert preset_period("All", TODAY).before is None


def test_months_are_compared_with_the_same_days_of_the_month_before() -> None:
    so_far, whole = preset_period("This month", TODAY), preset_period("Last month", TODAY)
    assert (so_far.first, so_far.last) == (date(2026, 11, 1), TODAY)
    assert so_far.before is not None
    assert (so_far.before.first, so_far.before.last) == (date(2026, 10, 1), date(2026, 10, 20))
    assert so_far.before.label == "1 to 20 Oct 2026"
    assert (whole.first, whole.last) == (date(2026, 10, 1), date(2026, 10, 31))
    assert whole.before is not None
    assert (whole.before.first, whole.before.last) == (date(2026, 9, 1), date(2026, 9, 30))


def test_a_longer_month_is_compared_with_all_of_a_shorter_one() -> None:
    march = preset_period("This month", date(2026, 3, 30))
    assert march.before is not None
    assert march.before.last == date(2026, 2, 28)
    last_day = preset_period("This month", date(2026, 11, 30))
    assert last_day.before is not None
    assert last_day.before.last == date(2026, 10, 31), "a month that is complete has all of the one before"


@every_case(
    [
        (address,)
        for address in [
            {},
            {"from": "2026-11-01"},
            {"from": "2026-11-02", "to": "2026-11-01"},
            {"from": "2019-12-31", "to": "2026-11-01"},
            {"from": "2026-02-30", "to": "2026-11-01"},
        ]
    ]
)
def test_address_without_two_days_in_order_is_ignored(address: dict[str, str]) -> None:
    assert parse_period(address, TODAY) is None
