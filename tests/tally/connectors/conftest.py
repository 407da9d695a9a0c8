"""Fake providers and accounts on the real stack."""

from collections.abc import Iterator

import pytest

from tally.local.stack import Stack
from tally.storage.database import Database
from tests.tally.connectors.fake_providers import FakeProviders, serve
from tests.tally.connectors.users import point_providers_at, shorten_history
from tests.tally.people import Person, over_http, sign_up


@pytest.fixture
def providers() -> Iterator[FakeProviders]:
    """The three APIs, without faults."""
    with serve() as fake:
        yield fake


@pytest.fixture
def apis(stack: Stack, providers: FakeProviders) -> Iterator[FakeProviders]:
    """The three APIs, at the addresses stored in the stack's database."""
    with point_providers_at(stack, providers):
        yield providers


@pytest.fixture
def user(stack: Stack) -> Person:
    """Somebody new."""
    return sign_up(stack)


@pytest.fixture
def database(stack: Stack, user: Person) -> Database:
    """That user, through the data API."""
    return over_http(stack, user)


@pytest.fixture
def two_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the history to two months, for tests that do not depend on its length."""
    shorten_history(monkeypatch, days=60)
