"""Tally's own JSON: strict, all or nothing, and counted once with whatever else tells of a call."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_otlp import as_json, call_span, count, post
from tests.database_fixtures import Connection

NOW = datetime.now(UTC).isoformat()


def record(**others: Any) -> dict[str, Any]:
    usual = {
        "id": "chatcmpl-1",
        "timestamp": NOW,
        "provider": "openai",
        "model": "gpt-5",
        "input_tokens": 1_000,
    }
    return usual | others


def send(client: httpx.Client, *records: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/records", json={"records": list(records)})


@pytest.fixture
def client(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    return api.client(make_key())


def test_record_is_priced_and_keeps_what_is_said_of_it(client: httpx.Client, database: Connection) -> None:
    told = record(output_tokens=100, session="s1", agent="shop", tags={"team": "red"}, duration_ms=900)
    answer = send(client, told)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    query = "select cost_usd, input_tokens, output_tokens, cost_basis, metadata from public.cost_records"
    [[usd, *tokens, basis, metadata]] = database.execute(query).fetchall()
    assert (usd, tokens, basis) == (Decimal("0.00225"), [1_000, 100], "estimated")
    assert (metadata["session"], metadata["agent"], metadata["tags"]) == ("s1", "shop", ["team:red"])
    assert metadata["inference"]["duration_ms"] == 900


def test_reported_cost_counts_where_no_list_has_the_model(client: httpx.Client, database: Connection) -> None:
    send(client, record(model="house-blend", provider="other", cost_usd="0.0123456789"))
    assert database.execute("select cost_usd from public.cost_records").fetchall() == [
        (Decimal("0.0123456789"),)
    ]


def test_names_are_kept_without_what_nobody_sees(client: httpx.Client, database: Connection) -> None:
    assert send(client, record(model="gpt-5\u202e", agent="shop\u200b\u00a0bot")).status_code == 200
    query = "select model_name, metadata ->> 'agent' from public.cost_records"
    assert database.execute(query).fetchall() == [("gpt-5", "shop bot")]


def test_list_price_counts_before_a_reported_cost(client: httpx.Client, database: Connection) -> None:
    send(client, record(cost_usd="9"))
    query = "select cost_usd, metadata ->> 'reported_usd' from public.cost_records"
    assert database.execute(query).fetchall() == [(Decimal("0.00125"), "9")]
    described = client.get("/v1/openapi.json").json()["components"]["schemas"]["SentRecord"]["properties"]
    assert described["cost_usd"]["description"].endswith("It counts where no list price is known.")


def test_call_that_spans_tell_of_too_counts_once(client: httpx.Client, database: Connection) -> None:
    span = call_span(1, 1, **{"gen_ai.response.id": "chatcmpl-1"})
    assert post(client, as_json(span)).status_code == 200
    for _ in range(2):
        assert send(client, record(output_tokens=10)).status_code == 200
    assert count(database) == 1


@pytest.mark.parametrize(
    ("change", "field", "fault"),
    [
        ({"colour": "red"}, "records.1.colour", "Extra inputs are not permitted"),
        ({"id": "  \t"}, "records.1.id", "is blank"),
        ({"id": "\u200b"}, "records.1.id", "is blank"),
        ({"model": " "}, "records.1.model", "is blank"),
        ({"trace_id": "0" * 32}, "records.1.trace_id", "all zeros"),
        ({"span_id": "0" * 16}, "records.1.span_id", "all zeros"),
        ({"parent_span_id": "0" * 16}, "records.1.parent_span_id", "all zeros"),
        ({"id": ""}, "records.1.id", "at least 1 character"),
        ({"timestamp": "2026-01-01T00:00:00"}, "records.1.timestamp", "timezone"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "records.1.timestamp", "not between 2020"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "records.1.timestamp", "not between 2020"),
        ({"timestamp": "0001-01-01T00:00:00+23:59"}, "records.1.timestamp", "not between 2020"),
        ({"timestamp": "9999-12-31T23:59:59-23:59"}, "records.1.timestamp", "not between 2020"),
        ({"id": "a\x00"}, "records.1.id", "cannot be stored"),
        ({"model": "a\x00"}, "records.1.model", "cannot be stored"),
        ({"agent": "a\x00"}, "records.1.agent", "cannot be stored"),
        ({"tags": {"a": "\x00"}}, "records.1.tags.a", "cannot be stored"),
        ({"provider": "nobody"}, "records.1.provider", "no provider that Tally knows"),
        ({"input_tokens": -1}, "records.1.input_tokens", "greater than or equal to 0"),
        ({"input_tokens": 10**18}, "records.1.input_tokens", "less than or equal to"),
        ({"input_tokens": "5"}, "records.1.input_tokens", "valid integer"),
        ({"input_tokens": True}, "records.1.input_tokens", "valid integer"),
        ({"cached_input_tokens": 2_000}, "records.1", "input_tokens includes cached"),
        ({"cost_usd": "NaN"}, "records.1.cost_usd", "finite"),
        ({"cost_usd": -1}, "records.1.cost_usd", "greater than or equal to 0"),
        ({"status": "sleepy"}, "records.1.status", "'ok', 'error'"),
        ({"trace_id": "xyz"}, "records.1.trace_id", "match pattern"),
        ({"tags": {str(n): "x" for n in range(21)}}, "records.1.tags", "at most 20"),
        ({"model": "x" * 201}, "records.1.model", "at most 200"),
    ],
)
def test_one_fault_refuses_the_request_and_is_named(
    client: httpx.Client, database: Connection, change: dict[str, Any], field: str, fault: str
) -> None:
    answer = send(client, record(id="other"), record(**change))
    assert answer.status_code == 400
    assert answer.json()["message"] == "The records are not as described. None was saved."
    [found] = answer.json()["details"]
    assert found["field"] == field
    assert fault in found["fault"]
    assert count(database) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"records": []}', b'{"records": {}}', b"\xff", b'{"records": [1]}', b"[" * 99_999],
)
def test_other_bodies_are_refused_with_a_sentence(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/records", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["details"]


def test_what_was_sent_is_not_repeated_in_a_refusal(client: httpx.Client) -> None:
    assert "a-secret-prompt" not in send(client, record(prompt="a-secret-prompt")).text


def test_description_is_openapi_and_its_schema_fits_what_is_taken(client: httpx.Client) -> None:
    described = client.get("/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["info"]["version"] == "1.0.0"
    assert httpx.get(str(client.base_url) + "/v1/openapi.json").status_code == 401
    records = described["components"]["schemas"]["SentRecords"]
    schema = {**records, "components": described["components"]}
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    validator.validate({"records": [record(cost_usd="1.5", tags={"a": "b"})]})
    assert not validator.is_valid({"records": [record(colour="red")]})
    assert not validator.is_valid({"records": [record(input_tokens=-1)]})
    assert not validator.is_valid({"records": [json.loads("{}")]})


def test_every_address_is_described(api: ApiServer, client: httpx.Client) -> None:
    assert set(client.get("/v1/openapi.json").json()["paths"]) == set(api.api.addresses)
