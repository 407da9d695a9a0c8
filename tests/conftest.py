"""What tests of every part share: databases with all migrations, and one whole stack."""

import os
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tally.local.stack import Stack
from tests.embedded import temporary_stack

pytest_plugins = ["tests.database_fixtures"]

os.environ["EXCHANGE_RATES_URL"] = "off"  # nights of tests ask nobody, unless a test says whom


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Postgres, auth, PostgREST and their gateway, with their settings in the environment."""
    with temporary_stack() as running:
        forgo_durability(running)
        yield running


def forgo_durability(running: Stack) -> None:
    """No test of the shared stack cuts the power, so none need wait for the disk."""
    password = running.keys.passwords["supabase_admin"]
    with psycopg.connect(
        running.settings()["DATABASE_URL"], user="supabase_admin", password=password, autocommit=True
    ) as database:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            database.execute(f"alter system set {setting} = off")
        database.execute("select pg_reload_conf()")


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran last as `__main__`, and worker processes would run it again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
