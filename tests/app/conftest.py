"""The web server under test, on the real stack."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from streamlit import config
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from app.auth.identity import User
from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tests.app.accounts import Account, sign_in, sign_in_user, sign_up
from tests.app.app_server import AppServer
from tests.app.coding_agents import make_home
from tests.app.pages import DASHBOARD
from tests.app.wire import Wire
from tests.shared_connections import operator_connection


@dataclass(frozen=True)
class Project:
    """The Supabase project that the tests run against."""

    url: str
    key: str
    outbox: Path

    def environment(self, url: str | None = None) -> dict[str, str]:
        return {"SUPABASE_URL": url or self.url, "SUPABASE_PUBLISHABLE_KEY": self.key}


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home with one Claude Code session of one request, and a broken line."""
    return make_home(monkeypatch, tmp_path)


@pytest.fixture(autouse=True)
def without_render_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip waiting for a browser to paint: AppTest has none."""
    monkeypatch.setattr("app.ui.render_gate.MAX_WAIT_SECONDS", 0)


@pytest.fixture(autouse=True, scope="session")
def pages_as_the_server_runs_them() -> Iterator[None]:
    """Run the scripts of AppTest under the server's settings, each compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "_main_script_path", str(DASHBOARD))
        config.get_config_options(force_reparse=True)
        patch.setattr(local_script_runner, "ScriptCache", cache(ScriptCache))
        patch.setattr(local_script_runner, "require_widgets_deltas", wait_for_script)
        yield


def wait_for_script(runner: LocalScriptRunner, timeout: float) -> None:
    """Sleep until the script has ended; AppTest itself wakes up a thousand times a second meanwhile."""
    thread = runner._script_thread
    assert thread is not None
    thread.join(timeout)
    if thread.is_alive():
        runner.request_stop()
        thread.join()
        raise RuntimeError(f"The page was not done after {timeout} s.")


@pytest.fixture(scope="session")
def project(stack: Stack) -> Project:
    """The running stack, as an app sees it."""
    settings = stack.settings()
    return Project(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"], stack.home.outbox)


@pytest.fixture(scope="session")
def upstream(project: Project) -> AuthClient:
    """The project's auth API, called directly."""
    return AuthClient(project.url, project.key)


@pytest.fixture
def new_account(upstream: AuthClient) -> Callable[[], Account]:
    """A function that creates an account."""
    return lambda: sign_up(upstream)


@pytest.fixture
def account(new_account: Callable[[], Account]) -> Account:
    """A new account."""
    return new_account()


@pytest.fixture
def user(upstream: AuthClient, account: Account) -> User:
    """The new account, signed in, as the pages know it."""
    return sign_in_user(upstream, account)


@pytest.fixture
def wire(project: Project) -> Iterator[Wire]:
    """A wire to the project that the test may cut."""
    wire = Wire(project.url)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def connection(project: Project) -> Iterator[Wire]:
    """The server's connection to the project."""
    wire = Wire(project.url)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def server(
    project: Project, connection: Wire, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServer]:
    """One web server for all tests that do not configure it."""
    with AppServer(tmp_path_factory.mktemp("app"), project.environment(connection.url)) as running:
        yield running


@pytest.fixture
def server_wire(connection: Wire) -> Iterator[Wire]:
    """The server's connection, for a test that cuts it."""
    yield connection
    connection.mend()


@pytest.fixture
def browser(server: AppServer) -> Iterator[httpx.Client]:
    """A signed-out browser."""
    with server.browser() as client:
        yield client


@pytest.fixture
def job(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    """The database as the nightly job writes to it."""
    with operator_connection(stack, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_account(upstream: AuthClient) -> Account:
    """An account that no test of the file changes."""
    return sign_up(upstream)


@pytest.fixture
def signed_in(browser: httpx.Client, shared_account: Account) -> httpx.Client:
    """A browser signed in to the shared account."""
    sign_in(browser, shared_account)
    return browser
