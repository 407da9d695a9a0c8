"""Real clients on a machine with Tally's API, a real Postgres, and providers that cost nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import MakeKey, api, make_key
from tests.api.server import ApiServer, AppInThread
from tests.clients.fake_provider import FakeProvider
from tests.clients.machine import Machine

__all__ = ["api", "make_key"]

# Gigabytes, which `make test-clients` installs.
collect_ignore = [] if "TALLY_TEST_CLIENTS" in os.environ else ["all"]


@pytest.fixture
def provider() -> FakeProvider:
    """OpenAI, Anthropic and Google."""
    return FakeProvider()


@pytest.fixture
def machine(provider: FakeProvider, api: ApiServer, make_key: MakeKey, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a key that sends."""
    with AppInThread(provider.app()) as server:
        yield Machine(tmp_path, api.url, make_key(), server.url)
