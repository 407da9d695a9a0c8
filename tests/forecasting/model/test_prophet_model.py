"""The fit compared with plain Prophet, and the daily predictions."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from forecasting.model import prophet_model
from forecasting.model.level import cap_outliers
from forecasting.model.prophet_without_plots import Prophet
from forecasting.model.quick_prophet import Optimizer, QuickProphet
from forecasting.model.series import Series

Y = np.random.default_rng(1).gamma(1, 3, 200)


@pytest.mark.parametrize("days", [14, 28, 99, 200])  # without and with a weekly term; by Newton and by L-BFGS
def test_trend_and_weekly_effect_equal_those_of_prophet(days: int) -> None:
    y = Y[:days]
    fitted = prophet_model.fit(Series(uuid4(), "total", date(2024, 1, 1), y, days))
    prophet = Prophet(**prophet_model.settings(days))
    prophet.fit(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=days), "y": cap_outliers(y)}), seed=1)
    predicted = prophet.predict(prophet.make_future_dataframe(7))
    assert fitted.trend == predicted["trend"].iloc[days - 1]
    weekly = predicted["weekly"].iloc[-7:] if "weekly" in predicted else np.zeros(7)
    assert np.allclose(fitted.weekly, weekly, rtol=1e-12)


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
    assert {"period", "fourier_order"} <= set(prophet.seasonalities["weekly"])
    assert prophet.params["beta"].shape[0] == 1


def test_level_is_the_median_of_trend_and_recent_means() -> None:
    y = np.r_[np.full(72, 1.0), np.full(21, 4.0), np.full(7, 8.0)]  # last 7 days: 8, last 28: 5
    for trend, level in ((6.5, 6.5), (-3, 5), (100, 8)):
        assert (
            prophet_model.calculate_daily(prophet_model.Fit(trend, np.zeros(7)), y, 30).tolist()
            == [level] * 30
        )


def test_half_the_weekly_effect_is_added_up_to_half_the_level() -> None:
    y = np.full(60, 4.0)
    y[0] = 100  # leaves room above
    weekly = np.array([1.0, -1, 0, 0, 90, -90, 0])
    predicted = prophet_model.calculate_daily(prophet_model.Fit(4, weekly), y, 8)
    assert predicted.tolist() == [4.5, 3.5, 4, 4, 6, 2, 4, 4.5]
