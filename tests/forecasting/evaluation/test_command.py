"""`tally backtest` on the sample: saved forecasts, printed accuracy, skipped rows."""

import csv
import shutil
import sys
from pathlib import Path

import pytest

from forecasting.evaluation import baselines, command

SAMPLE = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecast in this process, and without statsforecast, which takes many seconds."""
    monkeypatch.setattr(command, "count_cores", lambda: 0)
    monkeypatch.setattr(command, "warm_up", lambda: None)
    monkeypatch.setattr(baselines, "PYTHON", Path("/nowhere/python"))


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> int:
    monkeypatch.setattr(sys, "argv", ["backtest", *map(str, arguments)])
    return command.main()


def copy_sample(folder: Path, cutoffs: int) -> Path:
    """The sample with only its first cutoffs."""
    shutil.copytree(SAMPLE, folder)
    lines = (SAMPLE / "cutoffs.csv").read_text().splitlines()[: cutoffs + 1]
    (folder / "cutoffs.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_backtest_saves_forecasts_and_prints_accuracy_beside_baselines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "forecasts.csv"
    assert run_command(monkeypatch, SAMPLE, "--out", out, "--score") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"Wrote 19 forecasts of 11 series to {out}")
    for method in ("Tally", *baselines.SIMPLE_BASELINES):
        assert f"\n{method} " in printed.out
    assert "30-day total error / seasonal naive" in printed.out
    assert "`make baselines`" in printed.err
    with out.open() as file:
        assert len(list(csv.DictReader(file))) == 19 * 31


def test_backtest_reports_skipped_rows_and_forecasts_by_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_sample(tmp_path / "series", cutoffs=1)
    with (folder / "series.csv").open("a") as file:
        file.writelines(f"web_005,not a day {n},1\n" for n in range(7))
    with (folder / "cutoffs.csv").open("a") as file:
        file.write("unknown,2024-01-06,0\n")
    assert run_command(monkeypatch, folder, "--out", tmp_path / "out.csv", "--score") == 0
    printed = capsys.readouterr()
    assert "Wrote 2 forecasts of 2 series" in printed.out
    assert "(1 by nothing known)" in printed.out
    assert printed.err.startswith("Skipped 7 rows of series.csv: line ")
    assert "; and 2 more." in printed.err
    assert "Not scored for lack of days: 1 of 2." in printed.err


def test_score_without_known_days_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_sample(tmp_path / "series", cutoffs=0)
    (folder / "cutoffs.csv").write_text("unique_id,cutoff\nunknown,2024-01-06\n")
    assert run_command(monkeypatch, folder, "--out", tmp_path / "out.csv", "--score") == command.FAILED
    assert "nothing can be scored" in capsys.readouterr().err


def test_interrupted_backtest_exits_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "replay", interrupt)
    assert run_command(monkeypatch, SAMPLE, "--out", tmp_path / "out.csv") == command.INTERRUPTED
