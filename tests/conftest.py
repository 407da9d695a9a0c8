"""What tests of every part share: databases with all migrations, and one whole stack."""

import os
import sys
from collections.abc import Iterator

import pytest

from tally.local.stack import Stack
from tests.embedded import temporary_stack

pytest_plugins = ["tests.database_fixtures"]

os.environ["EXCHANGE_RATES_URL"] = "off"  # nights of tests ask nobody, unless a test says whom


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Postgres, auth, PostgREST and their gateway, with their settings in the environment."""
    with temporary_stack() as running:
        yield running


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran last as `__main__`, and worker processes would run it again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
