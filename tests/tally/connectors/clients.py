"""Client of a fake provider, and datasets fetched with it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import SecretStr

from tally.connectors.client import ApiClient
from tally.connectors.connections import APIS
from tally.connectors.datasets import FetchRequest, ProviderApi, Window
from tally.connectors.hosts import Host
from tally.connectors.limits import Limits
from tally.core.records import CostRecord
from tests.tally.connectors.fake_providers import KEYS, FakeProviders

WINDOW = Window(date(2026, 11, 1), date(2026, 11, 5))
QUICK = Limits(
    read_seconds=5,
    response_seconds=10,
    attempts=3,
    first_pause_seconds=0.01,
    jitter_seconds=0,
    longest_pause_seconds=1,
)


def client_of(
    providers: FakeProviders, api: ProviderApi, limits: Mapping[str, Any] | None = None, key: str = ""
) -> ApiClient:
    """Return a client with short pauses, and the right key unless given."""
    secret = SecretStr(key or KEYS[api.provider])
    host = Host(api.title, providers.base_url(api.provider), api.key_advice)
    return ApiClient(host, secret, api.headers(secret), replace(QUICK, **(limits or {})))


def load(
    providers: FakeProviders, dataset: str, window: Window = WINDOW, account: str = "", **limits: Any
) -> list[CostRecord]:
    """Fetch a window of a dataset."""
    api, found = next(
        (api, found) for api in APIS.values() for found in api.datasets if found.name == dataset
    )
    with client_of(providers, api, limits) as client:
        return found.load(client, FetchRequest(window, account)).records
