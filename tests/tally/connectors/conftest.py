"""Providers that answer from a local socket."""

from collections.abc import Iterator

import pytest

from tally.local.stack import Stack
from tally.storage.database import Database
from tests.tally.connectors.fake_providers import FakeProviders, serve
from tests.tally.connectors.people import aimed_at
from tests.tally.people import Person, over_http, sign_up


@pytest.fixture
def providers() -> Iterator[FakeProviders]:
    """The three APIs, all well."""
    with serve() as fake:
        yield fake


@pytest.fixture
def aimed(stack: Stack, providers: FakeProviders) -> Iterator[FakeProviders]:
    """The three APIs, where the stack's database says that they are."""
    with aimed_at(stack, providers):
        yield providers


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody new."""
    return sign_up(stack)


@pytest.fixture
def database(stack: Stack, person: Person) -> Database:
    """That person, through the data API."""
    return over_http(stack, person)
