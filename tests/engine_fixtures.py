"""An engine for each process of tests: chdb opens one folder in a process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tally.analytics.client import create_tables, open_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of an engine with empty tables."""
    folder: Path = tmp_path_factory.mktemp("engine")
    client = open_engine(f"chdb://{folder}")
    create_tables(client)
    yield client
    client.close()
