"""The web server under test, on the real stack."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tally.accounts.auth_client import Accounts, Tokens
from tally.local.stack import Stack
from tests.app.app_server import AppServer
from tests.app.wire import Wire

PASSWORD = "correct horse 1"


@dataclass(frozen=True)
class Project:
    """The Supabase project that the tests run against."""

    url: str
    key: str
    outbox: Path

    def environment(self, url: str | None = None) -> dict[str, str]:
        return {"SUPABASE_URL": url or self.url, "SUPABASE_PUBLISHABLE_KEY": self.key}


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    email: str
    password: str = PASSWORD
    tokens: Tokens | None = field(default=None, compare=False, repr=False)  # of signing up


@pytest.fixture(autouse=True)
def no_browser_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What AppTest draws is painted nowhere."""
    monkeypatch.setattr("app.ui.render_gate.MOST_SECONDS", 0)


@pytest.fixture(scope="session")
def project(stack: Stack) -> Project:
    """The running stack, as an app sees it."""
    settings = stack.settings()
    return Project(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"], stack.home.outbox)


@pytest.fixture(scope="session")
def upstream(project: Project) -> Accounts:
    """The project's accounts, asked directly."""
    return Accounts(project.url, project.key)


@pytest.fixture
def new_person(upstream: Accounts) -> Callable[[], Person]:
    """Make somebody with an account."""

    return lambda: sign_up(upstream)


@pytest.fixture
def person(new_person: Callable[[], Person]) -> Person:
    """Somebody with an account."""
    return new_person()


@pytest.fixture
def wire(project: Project) -> Iterator[Wire]:
    """A wire to the project that the test may cut."""
    wire = Wire(project.url)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def server(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One web server for all tests that neither stop it nor configure it."""
    with AppServer(tmp_path_factory.mktemp("app"), project.environment()) as running:
        yield running


@pytest.fixture
def browser(server: AppServer) -> Iterator[httpx.Client]:
    """Somebody's browser, signed out, at an address of its own."""
    with server.browser() as client:
        yield client


@pytest.fixture
def job(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    """The database as the nightly job writes to it."""
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def resident(upstream: Accounts) -> Person:
    """Somebody with an account that no test of the file changes."""
    return sign_up(upstream)


@pytest.fixture
def signed_in(browser: httpx.Client, resident: Person) -> httpx.Client:
    """The resident's browser, signed in."""
    sign_in(browser, resident)
    return browser


def sign_up(upstream: Accounts) -> Person:
    """Make an account for somebody new."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return Person(email, tokens=upstream.sign_up(email, PASSWORD))


def sign_in(browser: httpx.Client, person: Person) -> None:
    """Sign in through the form."""
    answer = browser.post("/login", data={"email": person.email, "password": person.password})
    assert answer.status_code == 303, answer.text
