"""Scores calculated by hand (errors, ranges, ranks), and the baselines."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecasting.evaluation import baselines, score
from forecasting.evaluation.command import score_statsforecast
from forecasting.evaluation.cutoffs import Cutoff, DailySeries
from forecasting.evaluation.replay import CutoffForecast
from forecasting.model.intervals import DailyBounds, Total
from tally.core.quantile_levels import LEVELS
from tests.every_case import every_case


def cutoff_of(history: list[float], actual: list[float], name: str = "a") -> Cutoff:
    daily = DailySeries(name, "dev", date(2024, 1, 1), np.array(history + actual, dtype=float))
    return Cutoff(daily, date.fromordinal(date(2024, 1, 1).toordinal() + len(history) - 1))


def forecast_of(cutoff: Cutoff, amount: float, confidence: float = 0.5) -> CutoffForecast:
    """A flat forecast with 80% and 95% ranges of ±50% and ±100%."""
    days = np.full(30, amount)
    bounds = (0.025, 0.1, 0.5, 0.9, 0.975), np.array([0, 0.5, 1, 1.5, 2]) * amount * 30
    total = Total(amount * 30, tuple(np.interp(LEVELS, *bounds).tolist()))
    return CutoffForecast(
        cutoff, "prophet", days, DailyBounds(days * 0, days / 2, days * 1.5, days * 2), total, confidence
    )


def test_figures_match_a_calculation_by_hand() -> None:
    # Thirty days of 2, then thirty of 4: mean 3; 7 of the 53 weekly changes are 2, the others 0.
    figures = score.score_forecast(forecast_of(cutoff_of([2.0] * 30, [4.0] * 30), 2.0)).figures
    assert figures["TOT"] == pytest.approx(2 / 3)
    assert figures["BIAS"] == pytest.approx(-2 / 3)
    assert figures["MASE"] == pytest.approx(2 / (14 / 53))
    assert figures["RMSSE"] == pytest.approx(2 / (28 / 53) ** 0.5)
    assert (figures["c80"], figures["c95"], figures["up80"], figures["up95"]) == (0, 100, 100, 0)
    assert (figures["T80"], figures["T95"]) == (0, 100)
    # Pinball of 4 above 0, 1, 2, 3 and 4, twice the mean over five levels and the mean of 3.
    assert figures["wQL"] == pytest.approx(2 * (0.025 * 4 + 0.1 * 3 + 0.5 * 2 + 0.9 * 1 + 0) / 5 / 3)


def test_every_series_has_the_same_weight() -> None:
    def row(unique_id: str, error: float) -> score.Row:
        return score.Row(unique_id, "dev", "long", "m", {"TOT": error})

    rows = [row("a", 1), row("a", 1), row("a", 1), row("b", 3)]
    assert score.average(rows, lambda one: one.method) == {"m": {"TOT": 2}}


def test_confidence_is_ranked_against_the_relative_error() -> None:
    cutoffs = [cutoff_of([1.0] * 30, [amount] * 30, str(amount)) for amount in (1.0, 2.0, 4.0, 8.0)]
    sure = [forecast_of(cutoff, 1.0, 1 - place / 10) for place, cutoff in enumerate(cutoffs)]
    unsure = [forecast_of(cutoff, 1.0, place / 10) for place, cutoff in enumerate(cutoffs)]
    assert score.calculate_rank_correlation(sure) == pytest.approx(1)
    assert score.calculate_rank_correlation(unsure) == pytest.approx(-1)


def test_coverage_by_weekday_counts_days_with_spend() -> None:
    # 2024 began on a Monday: 28 days of history, then a Monday. Weekends are above 1.5, Fridays cost nothing.
    actual = ([1.0, 1, 1, 1, 0, 2, 2] * 5)[:30]
    coverage = score.calculate_weekday_coverage([forecast_of(cutoff_of([1.0] * 28, actual), 1.0)])
    assert coverage["Monday"] == (5, 100)
    assert coverage["Saturday"] == coverage["Sunday"] == (4, 0)
    assert "Friday" not in coverage


def test_simple_baselines_repeat_the_last_day_week_and_month() -> None:
    y = np.arange(35.0)
    middle = {name: baseline(y)[2] for name, baseline in baselines.SIMPLE_BASELINES.items()}
    assert middle["naive"].tolist() == [34] * 30
    assert middle["seasonal naive"][:8].tolist() == [28, 29, 30, 31, 32, 33, 34, 28]
    assert middle["mean of 28 days"].tolist() == [20.5] * 30
    for baseline in baselines.SIMPLE_BASELINES.values():
        assert baseline(np.array([3.0])).shape == (5, 30)


def test_missing_statsforecast_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(baselines, "PYTHON", Path("/nowhere/python"))
    assert score_statsforecast([cutoff_of([1.0] * 30, [1.0] * 30)]) == []
    assert "`make baselines`" in capsys.readouterr().err


def test_failing_statsforecast_is_reported_and_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(baselines, "PYTHON", Path("/bin/false"))
    assert score_statsforecast([cutoff_of([1.0] * 30, [1.0] * 30)] * 2000) == []
    assert "statsforecast ended with an error" in capsys.readouterr().err


@pytest.mark.skipif(
    not baselines.is_statsforecast_installed(), reason="`make baselines` installs statsforecast"
)
def test_statsforecast_answers_from_its_own_environment() -> None:
    histories = [np.arange(40.0) % 7, np.zeros(14)]
    week, nothing = baselines.stream_statsforecast(histories, 1)
    assert set(week) == set(baselines.STATSFORECAST_METHODS)
    assert week["AutoETS"].shape == (5, 30)
    assert week["SES"][2, 0] == pytest.approx(3, abs=1.5)
    assert np.isnan(week["SES"][0]).all()
    assert np.nan_to_num(nothing["SES"][2]).tolist() == [0] * 30


def test_rendered_score_has_methods_groups_and_bars() -> None:
    forecasts = [
        forecast_of(cutoff_of([1.0, 2] * 15, [amount] * 30, str(amount)), 1.5, amount / 9)
        for amount in (1.0, 2.0, 3.0)
    ]
    rows = [
        row
        for one in forecasts
        for row in (score.score_forecast(one), *score.score_simple_baselines(one.cutoff))
    ]
    rendered = score.render_score(rows, forecasts)
    for text in (
        "Tally",
        "mean of 28 days",
        "to 30 days",
        "dev",
        "RMSSE / seasonal naive",
        "MISSED",
        "Saturday",
    ):
        assert text in rendered
    assert "figures of 3 forecasts: too few to judge by" in rendered


@every_case([(93, True), (97, True), (92.9, False), (float("nan"), False)])
def test_bar_holds_between_its_limits(value: float, holds: bool) -> None:
    assert score.Bar("x", value, 93, 97).holds is holds
