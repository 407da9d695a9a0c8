"""Real clients on a machine with Tally's API, a real Postgres, and providers that cost nothing."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.api.conftest import MakeKey, api, make_key
from tests.api.server import ApiServer, AppInThread
from tests.clients.fake_provider import FakeProvider
from tests.clients.machine import Machine

ReadSpend = Callable[[], Decimal]
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


@pytest.fixture
def read_spend(api: ApiServer, make_key: MakeKey) -> ReadSpend:
    """A function that reads the month's spend, as programs do."""

    def read() -> Decimal:
        answer = api.client(make_key("read")).get("/v1/costs").raise_for_status()
        return Decimal(answer.json()["total"]["cost_usd"])

    return read
