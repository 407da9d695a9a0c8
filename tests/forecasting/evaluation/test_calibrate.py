"""`python -m forecasting.evaluation.calibrate` on the sample."""

import json
import sys
from pathlib import Path

import pytest

from forecasting.evaluation import calibrate
from forecasting.model.calibration import parse_calibration

SAMPLE = Path(__file__).parent / "data"


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> int:
    monkeypatch.setattr(sys, "argv", ["calibrate", *map(str, arguments)])
    monkeypatch.setattr(calibrate, "count_cores", lambda: 0)
    monkeypatch.setattr(calibrate, "warm_up", lambda: None)
    return calibrate.main()


def test_command_writes_constants_with_their_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "calibration.json"
    assert run_command(monkeypatch, SAMPLE, "--date", "2026-11-01", "--out", out) == 0
    assert capsys.readouterr().out == "Measured on 19 forecasts of 11 series.\n"
    content = json.loads(out.read_text())
    assert parse_calibration(content).confidence[1] < 0
    assert content["provenance"]["made_on"] == "2026-11-01"


def test_command_also_forecasts_between_the_cutoffs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "calibration.json"
    assert run_command(monkeypatch, SAMPLE, "--every", "150", "--out", out) == 0
    # web_005 at 164 and 314 days; at 14 days the cutoffs have all that are long enough but traffic_008.
    assert capsys.readouterr().out == "Measured on 22 forecasts of 11 series.\n"
    assert json.loads(out.read_text())["provenance"]["made_by"].endswith("--every 150")


def test_missing_folder_is_reported_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "calibration.json"
    assert run_command(monkeypatch, tmp_path / "nowhere", "--out", out) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert not out.exists()
