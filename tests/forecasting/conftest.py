"""A house for every test, and spend that looks like someone's."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.forecasting.house import House


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
