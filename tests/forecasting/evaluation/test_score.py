"""The score by hand: errors, ranges, ranks; and the others that it is held against."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecasting.evaluation import baselines, score
from forecasting.evaluation.command import score_textbook
from forecasting.evaluation.cutoffs import Daily, Origin
from forecasting.evaluation.replay import Made
from forecasting.model.intervals import Daily as Bounds
from forecasting.model.intervals import Total
from tally.core.quantile_levels import LEVELS


def origin_of(history: list[float], actual: list[float], name: str = "a") -> Origin:
    daily = Daily(name, "dev", date(2024, 1, 1), np.array(history + actual, dtype=float))
    return Origin(daily, date.fromordinal(date(2024, 1, 1).toordinal() + len(history) - 1))


def made_of(origin: Origin, amount: float, confidence: float = 0.5) -> Made:
    """A flat forecast with ranges of a half and a whole on both sides."""
    days = np.full(30, amount)
    bounds = (0.025, 0.1, 0.5, 0.9, 0.975), np.array([0, 0.5, 1, 1.5, 2]) * amount * 30
    total = Total(amount * 30, tuple(np.interp(LEVELS, *bounds).tolist()))
    return Made(origin, "prophet", days, Bounds(days * 0, days / 2, days * 1.5, days * 2), total, confidence)


def test_figures_are_what_a_pencil_says() -> None:
    # Thirty days of 2, then thirty of 4: mean 3; 7 of the 53 weekly changes are 2, the others 0.
    figures = score.score_made(made_of(origin_of([2.0] * 30, [4.0] * 30), 2.0)).figures
    assert figures["TOT"] == pytest.approx(2 / 3)
    assert figures["BIAS"] == pytest.approx(-2 / 3)
    assert figures["MASE"] == pytest.approx(2 / (14 / 53))
    assert figures["RMSSE"] == pytest.approx(2 / (28 / 53) ** 0.5)
    assert (figures["c80"], figures["c95"], figures["up80"], figures["up95"]) == (0, 100, 100, 0)
    assert (figures["T80"], figures["T95"]) == (0, 100)
    # Pinball of 4 above 0, 1, 2, 3 and 4, twice the mean over five levels and the mean of 3.
    assert figures["wQL"] == pytest.approx(2 * (0.025 * 4 + 0.1 * 3 + 0.5 * 2 + 0.9 * 1 + 0) / 5 / 3)


def test_every_series_counts_the_same_however_many_origins_it_has() -> None:
    def row(unique_id: str, error: float) -> score.Row:
        return score.Row(unique_id, "dev", "long", "m", {"TOT": error})

    rows = [row("a", 1), row("a", 1), row("a", 1), row("b", 3)]
    assert score.average(rows, lambda one: one.method) == {"m": {"TOT": 2}}


def test_confidence_is_ranked_against_the_relative_error() -> None:
    origins = [origin_of([1.0] * 30, [amount] * 30, str(amount)) for amount in (1.0, 2.0, 4.0, 8.0)]
    sure = [made_of(origin, 1.0, 1 - place / 10) for place, origin in enumerate(origins)]
    unsure = [made_of(origin, 1.0, place / 10) for place, origin in enumerate(origins)]
    assert score.calculate_rank_correlation(sure) == pytest.approx(1)
    assert score.calculate_rank_correlation(unsure) == pytest.approx(-1)


def test_guesses_are_the_last_day_week_and_month() -> None:
    y = np.arange(35.0)
    middle = {name: guess(y)[2] for name, guess in baselines.SIMPLE.items()}
    assert middle["naive"].tolist() == [34] * 30
    assert middle["seasonal naive"][:8].tolist() == [28, 29, 30, 31, 32, 33, 34, 28]
    assert middle["mean of 28 days"].tolist() == [20.5] * 30
    for guess in baselines.SIMPLE.values():
        assert guess(np.array([3.0])).shape == (5, 30)


def test_without_statsforecast_the_others_are_scored_and_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(baselines, "PYTHON", Path("/nowhere/python"))
    assert score_textbook([origin_of([1.0] * 30, [1.0] * 30)]) == []
    assert "`make baselines`" in capsys.readouterr().err


def test_a_broken_environment_is_a_sentence_and_the_others_are_scored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(baselines, "PYTHON", Path("/bin/false"))
    assert score_textbook([origin_of([1.0] * 30, [1.0] * 30)] * 2000) == []
    assert "statsforecast ended with an error" in capsys.readouterr().err


@pytest.mark.skipif(not baselines.is_textbook_installed(), reason="`make baselines` installs statsforecast")
def test_statsforecast_answers_from_its_own_environment() -> None:
    histories = [np.arange(40.0) % 7, np.zeros(14)]
    week, nothing = baselines.stream_textbook(histories, 1)
    assert set(week) == set(baselines.TEXTBOOK)
    assert week["AutoETS"].shape == (5, 30)
    assert week["SES"][2, 0] == pytest.approx(3, abs=1.5)
    assert np.isnan(week["SES"][0]).all()
    assert np.nan_to_num(nothing["SES"][2]).tolist() == [0] * 30


def test_the_text_names_methods_parts_and_bars() -> None:
    made = [
        made_of(origin_of([1.0, 2] * 15, [amount] * 30, str(amount)), 1.5, amount / 9)
        for amount in (1.0, 2.0, 3.0)
    ]
    rows = [row for one in made for row in (score.score_made(one), *score.score_simple(one.origin))]
    text = score.render_score(rows, made)
    for word in ("Tally", "mean of 28 days", "to 30 days", "dev", "RMSSE / seasonal naive", "MISSED"):
        assert word in text


@pytest.mark.parametrize(("value", "holds"), [(93, True), (97, True), (92.9, False), (float("nan"), False)])
def test_a_bar_holds_between_its_limits(value: float, holds: bool) -> None:
    assert score.Bar("x", value, 93, 97).holds is holds
