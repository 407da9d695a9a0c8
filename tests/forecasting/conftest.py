"""A database for each test, and a daily pattern of spend."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from forecasting.workers.forkserver import PRELOADED
from tests.forecasting.nightly_database import NightlyDatabase


@pytest.fixture(scope="session", autouse=True)
def worker_processes_share_prophet() -> None:
    """Fork worker processes from one that has imported Prophet, as the nightly job does."""
    multiprocessing.set_forkserver_preload(PRELOADED)


@pytest.fixture
def db(database: psycopg.Connection[Any]) -> NightlyDatabase:
    """A migrated database without accounts."""
    info = database.info
    url = make_conninfo(
        host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password
    )
    return NightlyDatabase(database, url)


@pytest.fixture
def pattern() -> Callable[[int], list[float]]:
    """Days of spend with a weekly pattern and some days without spend."""
    return lambda days: [0 if day % 11 == 3 else 4 + day % 7 for day in range(days)]
