"""Steps are announced only when they take long."""

import time

import pytest

from tally.local import console
from tally.local.console import StepAnnouncer


@pytest.fixture
def announcer(monkeypatch: pytest.MonkeyPatch) -> StepAnnouncer:
    monkeypatch.setattr(console, "LONG_STEP_SECONDS", 0.2)
    return StepAnnouncer()


def test_long_step_is_announced(announcer: StepAnnouncer, capsys: pytest.CaptureFixture[str]) -> None:
    announcer.begin("Starting the database")
    time.sleep(0.6)
    announcer.end()
    assert capsys.readouterr().out == "Starting the database …\n"


def test_quick_steps_print_nothing(announcer: StepAnnouncer, capsys: pytest.CaptureFixture[str]) -> None:
    announcer.begin("Creating the database")
    announcer.begin("Starting the database")
    announcer.end()
    time.sleep(0.5)
    assert capsys.readouterr().out == ""
