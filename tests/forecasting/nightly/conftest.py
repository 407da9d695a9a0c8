"""`python -m forecasting` in this process: starting another one takes more than a second."""

import os
import sys
from collections.abc import Callable

import pytest

from forecasting import __main__

NOWHERE = "postgresql://postgres@127.0.0.1:1/postgres"


def environment(database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "unused",
    }


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Call the command in this process, by default with a database that does not answer."""

    def call_main(*arguments: str, database_url: str = NOWHERE) -> int:
        for name, value in environment(database_url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["forecasting", *arguments])
        return __main__.main()

    monkeypatch.setattr(__main__, "warm_up", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return call_main
