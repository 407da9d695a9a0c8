"""Periods of a page: presets, and days from the address."""

from datetime import date

import pytest

from app.ui.periods import parse_period, preset_period

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


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"from": "2026-11-01"},
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "2019-12-31", "to": "2026-11-01"},
        {"from": "2026-02-30", "to": "2026-11-01"},
    ],
)
def test_address_without_two_days_in_order_is_ignored(address: dict[str, str]) -> None:
    assert parse_period(address, TODAY) is None
