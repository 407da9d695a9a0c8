"""Forecasts from files: rows for every cutoff, no later data used, errors of bad files."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecasting.evaluation import command
from forecasting.evaluation.cutoffs import Cutoff, DailySeries, DataProblem, load_cutoffs
from forecasting.evaluation.replay import replay
from forecasting.workers.pool import Failure, Outcome, Task

SAMPLE = Path(__file__).parent / "data"


def folder_of(path: Path, series: str, cutoffs: str) -> Path:
    """A folder with the three files."""
    (path / "series.csv").write_text(series)
    (path / "cutoffs.csv").write_text(cutoffs)
    (path / "meta.csv").write_text("unique_id,family,source,licence\na,dev,somewhere,MIT\n")
    return path


def days_of(count: int, amount: object = 3) -> str:
    return "unique_id,ds,y\n" + "".join(f"a,{date(2024, 1, 1 + day)},{amount}\n" for day in range(count))


def test_every_day_and_total_of_every_cutoff_gets_a_row(tmp_path: Path) -> None:
    cutoffs = load_cutoffs(SAMPLE)[0][:3]
    out = tmp_path / "forecasts.csv"
    command.save_forecasts(replay(cutoffs, 0), out)
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 3 * 31
    for row in rows:
        low, low_80, middle, high_80, high = (
            float(row[name]) for name in ("lo95", "lo80", "yhat", "hi80", "hi95")
        )
        assert 0 <= low <= low_80 <= middle <= high_80 <= high
    assert [row["ds"] for row in rows].count("TOTAL") == 3
    assert rows[0]["ds"] == str(date.fromordinal(cutoffs[0].day.toordinal() + 1))
    assert {row["method"] for row in rows} == {"prophet"}


def test_later_data_changes_no_forecast() -> None:
    cutoffs = [cutoff for cutoff in load_cutoffs(SAMPLE)[0] if cutoff.series.unique_id == "web_005"][:3]
    changed = []
    for cutoff in cutoffs:
        y = cutoff.series.y.copy()
        y[len(cutoff.history) :] = np.random.default_rng(0).gamma(1, 1e6, len(y) - len(cutoff.history))
        series = DailySeries(cutoff.series.unique_id, "other", cutoff.series.first_day, y)
        changed.append(Cutoff(series, cutoff.day))
    for forecast, again in zip(replay(cutoffs, 0), replay(changed, 0), strict=True):
        assert forecast.cutoff.actual.tolist() != again.cutoff.actual.tolist()
        assert forecast.predicted.tolist() == again.predicted.tolist()
        assert forecast.total == again.total
        assert np.array_equal(forecast.bounds, again.bounds)
        assert forecast.confidence == again.confidence


def test_forecasts_do_not_depend_on_the_unit() -> None:
    cutoff = load_cutoffs(SAMPLE)[0][0]
    large = DailySeries("large", "f", cutoff.series.first_day, cutoff.series.y * 1e9)
    forecast, again = replay([cutoff, Cutoff(large, cutoff.day)], 0)
    assert again.method == "prophet"
    assert again.predicted == pytest.approx(forecast.predicted * 1e9, rel=0.02)
    assert again.total.upper_95 == pytest.approx(forecast.total.upper_95 * 1e9, rel=0.02)


def test_too_short_a_history_is_forecast_from_its_means(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, days_of(20), "unique_id,cutoff\na,2024-01-06\na,2023-12-31\nb,2024-01-06\n")
    few, before, unknown = replay(load_cutoffs(folder)[0], 0)
    assert (few.method, before.method, unknown.method) == ("recent means", "nothing known", "nothing known")
    assert few.predicted.tolist() == [3.0] * 30
    assert few.total.predicted == pytest.approx(90)
    assert unknown.total.quantiles == (0,) * 23
    assert (before.confidence, unknown.confidence) == (0, 0)


def test_days_between_the_data_and_the_cutoff_are_zero(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, days_of(20), "unique_id,cutoff\na,2024-03-01\n")
    cutoff = load_cutoffs(folder)[0][0]
    assert len(cutoff.history) == 31 + 29 + 1
    assert cutoff.history[20:].sum() == 0
    assert replay([cutoff], 0)[0].total.predicted < 3


def test_gaps_are_filled_with_zeros_leap_day_included(tmp_path: Path) -> None:
    series = "unique_id,ds,y\na,2024-02-27,1\na,2024-03-02,2\n"
    cutoff = load_cutoffs(folder_of(tmp_path, series, "unique_id,cutoff\na,2024-03-01\n"))[0][0]
    assert cutoff.series.y.tolist() == [1, 0, 0, 0, 2]
    assert cutoff.history.tolist() == [1, 0, 0, 0]


def test_unreadable_rows_are_reported_and_the_others_used(tmp_path: Path) -> None:
    bad = "a,2024-02-30,1\na,2024-02-01,NaN\na,2024-02-02,-1\na,2024-02-03,inf\na,2024-01-01,9\na,soon,\n"
    cutoffs, rejected = load_cutoffs(
        folder_of(tmp_path, days_of(20) + bad, "unique_id,cutoff\na,2024-01-20\n")
    )
    assert [reason.split(":")[0] for reason in rejected] == [f"line {line}" for line in range(22, 28)]
    assert cutoffs[0].history.tolist() == [3.0] * 20


@pytest.mark.parametrize(
    ("series", "cutoffs", "message"),
    [
        ("unique_id,ds\n", "unique_id,cutoff\n", "has no column y"),
        (days_of(3), "unique_id,cutoff\n", "nothing to forecast"),
        (days_of(3), "unique_id,cutoff\na,tomorrow\n", "'tomorrow' is not a date"),
        (days_of(3), "unique_id,cutoff\na,2924-01-01\n", "hundred years after"),
        (days_of(3) + "a,0001-01-01,1\n", "unique_id,cutoff\na,2024-01-03\n", "hundred years apart"),
    ],
)
def test_unusable_files_are_reported(tmp_path: Path, series: str, cutoffs: str, message: str) -> None:
    with pytest.raises(DataProblem, match=message):
        load_cutoffs(folder_of(tmp_path, series, cutoffs))


def test_missing_folder_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["backtest", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out.csv")]
    )
    assert command.main() == 1
    assert "cannot be read. The folder needs series.csv" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_binary_file_is_reported(tmp_path: Path) -> None:
    folder_of(tmp_path, "", "unique_id,cutoff\n")
    (tmp_path / "series.csv").write_bytes(b"unique_id,ds,y\n\xff\xfe\x00,,\n")
    with pytest.raises(DataProblem, match="not a CSV file in UTF-8"):
        load_cutoffs(tmp_path)


def test_unwritable_output_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="cannot be written"):
        command.save_forecasts([], tmp_path / "no" / "folder.csv")


def test_means_replace_a_failed_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_all(tasks: Iterable[Task], workers: int) -> Iterator[Outcome]:
        assert workers == 0
        return (Failure(task.series, "FitFailed") for task in tasks)

    monkeypatch.setattr("forecasting.evaluation.replay.stream_forecasts", fail_all)
    [forecast] = replay(load_cutoffs(SAMPLE)[0][:1], 0)
    assert forecast.method == "recent means"
    assert 0 < forecast.total.lower_80 < forecast.total.predicted < forecast.total.upper_80
