"""The dashboard's process: its settings, and none that pass row-level security."""

import threading
from pathlib import Path

import psycopg
import pytest

from tally.local.dashboard import Dashboard
from tally.local.home import open_home
from tally.local.ports import Ports
from tally.local.stack import Stack


def test_process_gets_the_role_that_answers_programs_and_no_other(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in stack.settings():
        monkeypatch.delenv(name)
    settings = stack.settings() | dict.fromkeys(("APP_ORIGIN", "TALLY_OUTBOX", "FORWARDED_ALLOW_IPS"), "")
    dashboard = Dashboard(open_home(tmp_path / "home"), Ports(8501), settings, threading.Event())
    given = dashboard._environment()
    hidden = [stack.keys.secret_key, stack.keys.jwt_secret, *stack.keys.passwords.values()]
    found = [secret for secret in hidden if any(secret in value for value in given.values())]
    assert found == [stack.keys.passwords["tally_api"]]
    with psycopg.connect(given["API_DATABASE_URL"]) as connection:
        assert connection.execute("select current_user").fetchone() == ("tally_api",)
