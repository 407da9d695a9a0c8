"""Requests of real clients, sent as they came on the wire: each call is a record once."""

import gzip
from decimal import Decimal
from typing import Any

import httpx
import pytest

from api import addresses
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.database_fixtures import Connection
from tests.tally.telemetry import captures

OWN_ADDRESSES = {"/_generic": addresses.LITELLM}
SAVED = b"""select m.name, r.model_name, r.input_tokens, r.output_tokens, r.cached_input_tokens,
    r.cache_write_tokens, r.cost_usd
from public.cost_records as r
inner join public.providers as m on r.provider_id = m.id"""


def send(client: httpx.Client, request: captures.Request) -> httpx.Response:
    """Send a request as its client did, compressed."""
    headers = {
        "content-type": "application/json" if request.is_json else "application/x-protobuf",
        "content-encoding": "gzip",
    }
    address = OWN_ADDRESSES.get(request.path, request.path)
    return client.post(address, content=gzip.compress(request.body), headers=headers)


def load_records(database: Connection) -> list[tuple[Any, ...]]:
    return sorted(database.execute(SAVED).fetchall(), key=str)


def expected_records(name: str) -> list[tuple[Any, ...]]:
    rows = [
        (
            call["provider"],
            call["model"],
            *(call[key] for key in ("input", "output", "cache_read", "cache_write")),
            None if call["cost_usd"] is None else Decimal(call["cost_usd"]),
        )
        for call in captures.expected(name)["calls"]
    ]
    return sorted(rows, key=lambda row: str((*row[:-1], row[-1] and round(row[-1], 10))))


@pytest.mark.parametrize("name", captures.NAMES)
def test_each_call_of_a_client_is_a_record_once(
    api: ApiServer, make_key: MakeKey, database: Connection, name: str
) -> None:
    client, requests = api.client(make_key()), captures.load(name)
    answers = [send(client, request) for request in requests]
    assert {answer.status_code for answer in answers} <= {200, 207}
    saved = load_records(database)
    assert [row[:-1] for row in saved] == [row[:-1] for row in expected_records(name)]
    assert sum(row[-1] or 0 for row in saved) == sum(row[-1] or 0 for row in expected_records(name))

    again = [send(client, request) for request in reversed(requests)]
    assert [answer.content for answer in reversed(again)] == [answer.content for answer in answers]
    assert load_records(database) == saved, "sending again changes nothing"
