"""Ranges of weeks: nested, around known renewals, and honest on public series."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.figures.chart_days import average_forecast
from app.figures.week_ranges import TotalRatios, calculate_ratios, range_weeks
from bench.public_series import load_public_series
from forecasting.model.intervals import calculate_total
from forecasting.model.level import calculate_recent_level

BOUNDS = ["lower_95", "lower_80", "predicted", "upper_80", "upper_95"]
HISTORY_DAYS = 120


def total_of(*amounts: float) -> dict[str, Decimal]:
    names = ("lower_bound_95", "lower_bound_80", "predicted_cost_usd", "upper_bound_80", "upper_bound_95")
    return {name: Decimal(str(amount)) for name, amount in zip(names, amounts, strict=True)}


def ahead(predicted: float, renewal: float = 0.0) -> pd.DataFrame:
    """Two weeks from Monday, 30 November 2026; a subscription renews on the first day."""
    renewals = np.r_[renewal, np.zeros(13)]
    days = {
        name: predicted * factor + renewals for name, factor in zip(BOUNDS, (0, 0.2, 1, 3, 5), strict=True)
    }
    return pd.DataFrame({"date": pd.date_range("2026-11-30", periods=14), **days, "renewals": renewals})


def test_week_has_its_share_of_the_range_of_30_days() -> None:
    weeks = average_forecast(ahead(10.0), pd.Timestamp("2026-11-29").date())
    ranged = range_weeks(weeks, calculate_ratios(total_of(100, 200, 300, 450, 600), 0.0))
    assert ranged["upper_80"].tolist() == [15.0, 15.0]  # summed daily bounds would be 30
    assert ranged["upper_95"].tolist() == [20.0, 20.0]
    assert 2 < ranged["lower_80"][0] < 10 * 200 / 300


def test_renewal_is_known_and_has_no_range() -> None:
    weeks = average_forecast(ahead(10.0, renewal=70.0), pd.Timestamp("2026-11-29").date())
    ranged = range_weeks(weeks, calculate_ratios(total_of(170, 270, 370, 520, 670), 70.0))
    assert (ranged["upper_80"] - ranged["renewals"]).tolist() == [15.0, 15.0]
    assert ranged["lower_95"].min() >= 0
    assert ranged["lower_95"][0] >= 10


def test_without_a_total_or_other_spend_the_ranges_stay() -> None:
    weeks = average_forecast(ahead(10.0), pd.Timestamp("2026-11-29").date())
    assert calculate_ratios(None, 0.0) is None
    assert calculate_ratios(total_of(20, 20, 20, 20, 20), 20.0) is None
    assert range_weeks(weeks, None).equals(weeks)


@given(st.lists(st.floats(0, 1e6), min_size=5, max_size=5).map(sorted), st.floats(0, 100), st.floats(0, 100))
def test_ranges_are_nested_and_not_negative(amounts: list[float], predicted: float, renewal: float) -> None:
    weeks = average_forecast(ahead(predicted, renewal), pd.Timestamp("2026-11-29").date())
    ranged = range_weeks(weeks, calculate_ratios(total_of(*amounts), 0.0))
    for row in ranged[BOUNDS].to_numpy():
        assert row[0] >= 0
        assert all(a <= b + 1e-6 * max(1, b) for a, b in pairwise(row))


def test_weeks_of_public_series_are_inside_their_ranges_as_often_as_they_say() -> None:
    inside_80, inside_95 = [], []
    for series in load_public_series():
        y, actual = series.y[:HISTORY_DAYS], series.y[HISTORY_DAYS : HISTORY_DAYS + 28]
        if len(actual) < 28 or np.count_nonzero(y[-56:]) < 7:
            continue
        days = np.full(30, calculate_recent_level(y))
        total = calculate_total(y, days, 30)
        ratios = TotalRatios(
            *(
                bound / total.predicted
                for bound in (total.lower_95, total.lower_80, total.upper_80, total.upper_95)
            )
        )
        weeks = pd.DataFrame({"predicted": days[:4], "renewals": 0.0})
        for week, row in range_weeks(weeks, ratios).iterrows():
            mean = actual[7 * int(str(week)) : 7 * int(str(week)) + 7].mean()
            inside_80.append(row["lower_80"] <= mean <= row["upper_80"])
            inside_95.append(row["lower_95"] <= mean <= row["upper_95"])
    assert len(inside_80) > 100
    assert 0.68 <= np.mean(inside_80) <= 0.92
    assert np.mean(inside_95) >= 0.9
