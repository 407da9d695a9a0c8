"""Fixtures of all tests: migrated databases, and one embedded stack."""

import gc
import logging
import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from tally.local.stack import Stack
from tests.embedded import temporary_stack

pytest_plugins = ["tests.database_fixtures", "tests.engine_fixtures"]

BROWSERS = "tests/e2e/"
SECOND_BROWSER = "tests/e2e/test_h"  # files from here on take as long as those before
# The longest files come first, in this order: at the end one would keep a worker busy while others are idle.
LONG = (
    "tests/e2e/test_every_page.py",
    "tests/processes/",
    BROWSERS,
    "tests/tally/local/test_backup.py",
    "tests/supabase/test_crashes.py",
    "tests/tally/local/test_extremes.py",
    "tests/tally/local/test_wheel.py",
    "tests/tally/connectors/test_sync.py",
    "tests/forecasting/nightly/test_command.py",
    "tests/tally/moving/test_moves.py",
    "tests/supabase/test_kills.py",
    "tests/supabase/test_javascript.py",
    "tests/forecasting/workers/test_cluster.py",
    "tests/forecasting/jobs/test_reforecasting.py",
    "tests/tally/ledger/test_faults.py",
    "tests/tally/cli/test_collect.py",
    "tests/tally/local/test_up.py",
    "tests/app/server/test_takeover.py",
    "tests/app/auth/test_routes.py",
    "tests/database/test_freshness.py",
    "tests/clients/test_sdks.py",
    "tests/tally/agents/test_comparison.py",
    "tests/database/test_sources.py",
)
# `make test-quick` leaves out the stack, browsers, a second Postgres, tests that start programs, and the two
# properties that take longest.
SLOW = (
    *LONG,
    "tests/api/test_process.py",
    "tests/clients/",
    "tests/supabase/",
    "tests/forecasting/workers/",
    "tests/forecasting/evaluation/",
    "tests/forecasting/nightly/",
    "tests/forecasting/jobs/test_budgets.py",
    "tests/forecasting/jobs/test_folding.py",
    "tests/database/test_lints.py",
    "tests/database/test_migrations.py",
    "tests/database/test_overlaps.py",
    "tests/database/test_access_paths.py",
    "tests/database/test_shared_events.py::test_the_order_of_arrival",
    "tests/database/test_team_properties.py",
    "tests/tally/local/test_extremes.py",
    "tests/tally/local/test_system_users.py",
    "tests/tally/local/test_integrity.py",
    "tests/tally/local/test_readiness.py",
    "tests/tally/local/test_updates.py",
    "tests/tally/moving/test_properties.py",
    "tests/app/auth/test_sessions.py",
    "tests/app/server/test_headers.py::test_every_response",
    "tests/app/server/test_main.py",
    "tests/tally/cli/test_machine.py::test_nightly_passes",
)
SLOW_FIXTURES = {"stack", "playwright", "debian_cluster", "program", "pushed"}

# A busy machine is no failure; in CI a change fails by what it did, not by this run's luck.
settings.register_profile("tally", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tally")
# Tests that ask without a limit of their own would give up after 5 seconds, which a busy machine may take.
DEFAULT_TIMEOUT_CONFIG.connect = DEFAULT_TIMEOUT_CONFIG.read = DEFAULT_TIMEOUT_CONFIG.write = 60
os.environ["EXCHANGE_RATES_URL"] = "off"  # nightly runs fetch no rates, unless a test sets a source
# Tests talk to this machine, without TLS; loading all authorities takes each of thousands of clients 0.05 s.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "fixtures" / "nobody.pem")
os.environ["LITE_AUTH_BCRYPT_COST"] = "4"  # a thousand passwords a run, at 0.1 s each otherwise


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file stays with one worker; tests with a browser stay with two, as each starts a cold one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith(BROWSERS):
            return file
        return SECOND_BROWSER if file >= SECOND_BROWSER else BROWSERS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Distribute tests among workers by what they share."""
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Pause the collector of garbage: what this makes stays, and looking for it takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, and put long files first."""
    for item in items:
        if is_slow(item):
            item.add_marker(pytest.mark.slow)
    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Exempt everything imported from garbage collection, which Streamlit runs after every run of a page.

    Collections in between are rarer: they took a twentieth of the time of tests, for little that was found.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)
    reach_the_root_alone()


def reach_the_root_alone() -> None:
    """Let Streamlit's loggers pass on what they log.

    Pytest gives every logger that does not a handler and takes it away again, six times a test: Streamlit has
    dozens, which took most of the time of an empty test.
    """
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.name.startswith("streamlit"):
            logger.propagate = True


def place(item: pytest.Item) -> int:
    """The place of its file among the long ones; other files follow in their order."""
    name = item.nodeid  # put together at each access
    return next((nth for nth, start in enumerate(LONG) if name.startswith(start)), len(LONG))


def is_slow(item: pytest.Item) -> bool:
    """Tell by its file and the fixtures that it uses, directly or not."""
    return item.nodeid.startswith(SLOW) or not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Postgres, auth, PostgREST and their gateway, with their settings in the environment."""
    with temporary_stack() as running:
        forgo_durability(running)
        yield running


def forgo_durability(running: Stack) -> None:
    """Turn off waiting for the disk: no test of the shared stack cuts the power."""
    password = running.keys.passwords["supabase_admin"]
    with psycopg.connect(
        running.settings()["DATABASE_URL"], user="supabase_admin", password=password, autocommit=True
    ) as database:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            database.execute(f"alter system set {setting} = off")
        database.execute("select pg_reload_conf()")


@pytest.fixture(scope="session", autouse=True)
def cached_component_scan() -> Iterator[None]:
    """Scan installed packages for components once, not in every AppTest."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran last as `__main__`, and worker processes would run it again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
