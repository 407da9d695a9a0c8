"""Scores of stored forecasts, beside actual spend and the month before."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from app.figures.scorecard import list_coverages, list_errors, read_backtest, score_runs
from app.ui import charts
from app.ui.theme import DARK

START = date(2026, 9, 1)
SPEND = pd.Series(2.0, index=pd.date_range(START - timedelta(days=30), periods=100))


def total(day: date, predicted: int = 66, actual: int = 60, in_80: int | None = 24) -> dict[str, object]:
    """A forecast of 30 days that are over."""
    return {
        "kind": "next_30_days",
        "period_start": day,
        "predicted_cost_usd": Decimal(predicted),
        "actual_cost_usd": Decimal(actual),
        "days_in_80": in_80,
        "days_in_95": None if in_80 is None else 28,
    }


def past(*totals: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(totals, columns=list(total(START)), dtype=object)


def test_runs_are_scored_beside_the_month_before() -> None:
    nightly_runs = past(total(START), total(START + timedelta(days=1), predicted=54, actual=80, in_80=18))
    score = score_runs(nightly_runs, SPEND, START - timedelta(days=30))
    assert score is not None
    assert (score.based_on, score.unit) == ("2 nightly runs", "Days")
    assert score.error == pytest.approx((6 + 26) / 140)
    assert score.last_month_error == pytest.approx((0 + 20) / 140)
    assert (score.in_80, score.in_95) == pytest.approx((42 / 60, 56 / 60))


def test_runs_without_a_month_before_have_no_baseline() -> None:
    score = score_runs(past(total(START, in_80=None)), SPEND, START - timedelta(days=14))
    assert score is not None
    assert score.error == pytest.approx(0.1)
    assert (score.last_month_error, score.in_80) == (None, None)
    assert [bar.label for bar in list_errors(score)] == ["30-day total"]
    assert list_coverages(score) == []


def test_nothing_is_scored_before_the_first_period_is_over() -> None:
    assert score_runs(past(), SPEND, START) is None


def test_month_without_spend_has_no_relative_error() -> None:
    score = score_runs(past(total(START, predicted=0, actual=0)), SPEND, START)
    assert score is not None
    assert score.error is None


def test_backtest_is_scored_by_the_values_it_has() -> None:
    score = read_backtest({"months": 2, "error_usd": 5.0, "mean_usd": 50.0, "within_80": 2})
    assert score is not None
    assert (score.error, score.last_month_error, score.in_80) == (0.1, None, 1)


@pytest.mark.parametrize(
    "stored", [None, {}, {"days": 14, "mae_usd": 1.0, "mean_usd": 2.0, "coverage_80": 81.0}]
)
def test_backtest_of_days_has_no_score(stored: dict[str, float] | None) -> None:
    assert read_backtest(stored) is None


def test_chart_marks_the_targets() -> None:
    score = score_runs(past(total(START)), SPEND, START - timedelta(days=30))
    assert score is not None
    figure = charts.shares(list_coverages(score), DARK)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.8, 0.95]
    assert list(figure.data[0].x) == [pytest.approx(28 / 30), 0.8]
    errors = charts.shares(list_errors(score), DARK)
    assert not errors.layout.shapes, "errors have no target: low is good"
    assert list(errors.data[0].x) == [0.0, pytest.approx(0.1)]
