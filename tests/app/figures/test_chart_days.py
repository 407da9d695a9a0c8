"""Days of a chart: its first day, its forecast, the period before, and weeks."""

from datetime import date, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.figures.chart_days import align_before, average_forecast, begin_chart, cut_forecast

LAST = date(2026, 11, 29)
DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))


def ahead(days: int) -> pd.DataFrame:
    dates = pd.date_range(LAST + timedelta(days=1), periods=days)
    return pd.DataFrame({"date": dates, "predicted": [float(n) for n in range(days)], "run_id": "x"})


def test_a_year_does_not_begin_with_empty_months() -> None:
    assert begin_chart(LAST - timedelta(days=364), LAST, date(2026, 6, 2)) == date(2026, 6, 2)
    assert begin_chart(LAST - timedelta(days=364), LAST, date(2026, 11, 27)) == LAST - timedelta(days=29)
    assert begin_chart(date(2026, 11, 1), LAST, date(2026, 11, 20)) == date(2026, 11, 1)
    assert begin_chart(date(2026, 11, 1), LAST, None) == date(2026, 11, 1)


@given(st.integers(1, 400))
def test_forecast_takes_at_most_a_third_of_the_chart(days: int) -> None:
    shown = len(cut_forecast(ahead(30), days))
    assert shown <= (days + shown) / 3
    assert shown == min(30, days // 2)


@given(first=DAYS, length=st.integers(1, 120))
def test_the_period_before_is_aligned_by_weekday(first: date, length: int) -> None:
    last = first + timedelta(days=length - 1)
    days = pd.date_range(first - timedelta(days=200), last)
    spent = pd.Series([float(day.toordinal()) for day in days], index=days)
    aligned = align_before(spent, first, last)
    for day, ordinal in aligned.items():
        earlier = date.fromordinal(int(ordinal))
        assert earlier.weekday() == day.weekday()  # type: ignore[attr-defined]
        assert earlier < first


def test_days_without_earlier_spend_have_none() -> None:
    spent = pd.Series([1.0], index=pd.to_datetime(["2026-11-22"]))
    assert align_before(spent, date(2026, 11, 23), LAST).isna().tolist() == [True] * 6 + [False]


def test_weekly_forecast_has_the_means_of_whole_weeks_after_this_one() -> None:
    weeks = average_forecast(ahead(17), LAST)
    assert [day.date() for day in weeks["date"]] == [date(2026, 11, 30), date(2026, 12, 7)]
    assert weeks["predicted"].tolist() == [3.0, 10.0]
    assert average_forecast(ahead(3), LAST).empty
