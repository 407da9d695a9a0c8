"""The fit compared with plain Prophet, and the daily predictions."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from forecasting.model import prophet_model
from forecasting.model.level import calculate_levels, cap_outliers
from forecasting.model.prophet_without_plots import Prophet
from forecasting.model.quick_prophet import Optimizer, QuickProphet
from forecasting.model.series import Series
from tests.every_case import every_case

Y = np.random.default_rng(1).gamma(1, 3, 200)


@every_case([(days,) for days in [14, 28, 99, 200]])
def test_trend_equals_that_of_prophet(days: int) -> None:
    y = Y[:days]
    trend = prophet_model.fit_trend(Series(uuid4(), "total", date(2024, 1, 1), y, days))
    prophet = Prophet(**prophet_model.settings(days))
    prophet.fit(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=days), "y": cap_outliers(y)}), seed=1)
    predicted = prophet.predict(prophet.make_future_dataframe(7))
    assert trend == predicted["trend"].iloc[days - 1]


def test_quick_fit_equals_the_plain_one_and_leaves_no_file() -> None:
    history = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=200), "y": Y})
    quick, slow = (
        each(**prophet_model.settings(200)).fit(history, seed=1) for each in (QuickProphet, Prophet)
    )
    assert all(np.array_equal(quick.params[name], slow.params[name]) for name in slow.params)
    assert quick.stan_backend is not None
    assert quick.stan_backend.stan_fit is not None
    assert not [path for path in quick.stan_backend.stan_fit.runset.csv_files if Path(path).exists()]


def test_quick_fit_replaces_internals_that_prophet_still_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a new version renames or bypasses them: QuickProphet would then be slow or wrong."""
    used: list[str] = []

    def watch(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            used.append(name)
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    watch(QuickProphet, "regressor_column_matrix")
    watch(Optimizer, "optimize")
    history = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60), "y": Y[:60]})
    prophet = QuickProphet(**prophet_model.settings(60)).fit(history, seed=1)
    assert used == ["regressor_column_matrix", "optimize"]
    assert set(prophet.seasonalities) == {"weekly"}


def test_level_is_the_median_of_trend_recent_means_and_smoothed_level() -> None:
    y = np.r_[np.full(72, 4.0), np.full(21, 4.0), np.full(7, 6.0)]  # last 7 days: 6, last 28: 4.5
    smoothed = calculate_levels(y)[2]
    assert 5.9 < smoothed < 6
    for trend, level in ((5.0, (5 + smoothed) / 2), (-3, (4.5 + smoothed) / 2), (100, 6)):
        predicted = prophet_model.calculate_daily(trend, y, 30)
        assert predicted[:7].mean() == pytest.approx(level, abs=0.01)


def test_days_without_a_weekly_pattern_are_predicted_alike() -> None:
    assert len(set(prophet_model.calculate_daily(3.0, Y, 30).tolist())) == 1
