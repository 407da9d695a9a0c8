"""A house for every test, and spend that looks like someone's."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from forecasting.workers.forkserver import PRELOADED
from tests.forecasting.house import House


@pytest.fixture(scope="session", autouse=True)
def worker_processes_share_prophet() -> None:
    """As at night: worker processes are forked from one that has imported it."""
    multiprocessing.set_forkserver_preload(PRELOADED)


@pytest.fixture
def house(database: psycopg.Connection[Any]) -> House:
    """An empty house."""
    info = database.info
    url = make_conninfo(
        host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password
    )
    return House(database, url)


@pytest.fixture
def wavy() -> Callable[[int], list[float]]:
    """Days of spend with a week in it and some days of nothing."""
    return lambda days: [0 if day % 11 == 3 else 4 + day % 7 for day in range(days)]
