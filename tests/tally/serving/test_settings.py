"""Settings of several processes: what is missing or wrong is named in one sentence."""

import pytest

from tally.core.errors import TallyError
from tally.serving.settings import load_serving_settings


def test_one_process_needs_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TALLY_PROCESSES", "TALLY_WEB_DATABASE_URL", "TALLY_DRAIN_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    settings = load_serving_settings()
    assert (settings.are_several, settings.tally_drain_seconds) == (False, 5)


def test_several_processes_need_a_place_for_their_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PROCESSES", "several")
    monkeypatch.delenv("TALLY_WEB_DATABASE_URL", raising=False)
    assert load_serving_settings().are_several
    with pytest.raises(TallyError, match=r"TALLY_WEB_DATABASE_URL is missing.*role tally_web"):
        _ = load_serving_settings().web_database
    monkeypatch.setenv("TALLY_WEB_DATABASE_URL", "postgresql://tally_web:x@db/postgres")
    assert load_serving_settings().web_database.startswith("postgresql://tally_web")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TALLY_PROCESSES", "two", "TALLY_PROCESSES must be `one` or `several`. Correct it"),
        ("TALLY_DRAIN_SECONDS", "soon", "TALLY_DRAIN_SECONDS must be a number of seconds from 0 to 600"),
        ("TALLY_DRAIN_SECONDS", "-1", "TALLY_DRAIN_SECONDS must be a number"),
    ],
)
def test_other_values_are_refused(name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(TallyError, match=told):
        load_serving_settings()
