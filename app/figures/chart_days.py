"""The days and weeks of a chart: where it begins, how far its forecast goes, and the period before."""

from datetime import date, timedelta

import pandas as pd

LEAST_DAYS, DAYS_A_WEEK = 30, 7
FORECAST_SHARE = 2  # days of spend for each day of forecast: it takes a third of the chart


def begin_chart(first: date, last: date, first_spent: date | None) -> date:
    """The first day of a chart: the period's, or that of the first spend where months before it are empty."""
    if first_spent is None or first_spent <= first:
        return first
    return max(first, min(first_spent, last - timedelta(days=LEAST_DAYS - 1)))


def cut_forecast(ahead: pd.DataFrame, days: int) -> pd.DataFrame:
    """The part of a forecast that takes at most a third of a chart with that many days of spend."""
    return ahead.sort_values("date").head(days // FORECAST_SHARE)


def align_before(spent: "pd.Series[float]", first: date, last: date) -> "pd.Series[float]":
    """Earlier spend by the days of a chart: each has that of the latest same weekday before the period.

    `spent` is the spend of each day from before the period on; a day without one has none.
    """
    length = (last - first).days + 1
    shift = max(length // 7 * 7, 7)
    days = pd.date_range(first, last)
    earlier = [
        day - pd.Timedelta(days=shift if (day - pd.Timedelta(days=shift)).date() < first else shift + 7)
        for day in days
    ]
    return pd.Series(spent.reindex(earlier).to_numpy(), index=days)


def average_weeks(days: pd.DataFrame) -> pd.DataFrame:
    """The mean of each week, which begins on Monday, of a frame by day."""
    weeks: pd.DataFrame = days.resample("W-MON", closed="left", label="left").mean()
    return weeks


def average_forecast(ahead: pd.DataFrame, today: date) -> pd.DataFrame:
    """A daily forecast as the means of whole weeks, from the next Monday on."""
    monday = today + timedelta(days=7 - today.weekday())
    rest: pd.DataFrame = ahead[ahead["date"].dt.date >= monday]
    numbers = rest.set_index("date").select_dtypes("number")
    if numbers.empty:
        return rest
    weeks = numbers.resample("W-MON", closed="left", label="left")
    whole: pd.DataFrame = weeks.mean()[weeks.size() == DAYS_A_WEEK]
    return whole.reset_index()
