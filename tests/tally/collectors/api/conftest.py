"""Providers that answer from a local socket."""

from collections.abc import Iterator

import pytest

from tests.tally.collectors.api.fake_providers import FakeProviders, serve


@pytest.fixture
def providers() -> Iterator[FakeProviders]:
    """The three APIs, all well."""
    with serve() as fake:
        yield fake
