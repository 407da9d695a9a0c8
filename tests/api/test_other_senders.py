"""LiteLLM's logs and the batches of Langfuse's older SDKs."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_callers import basic
from tests.api.test_otlp import as_json, call_span, count, post
from tests.database_fixtures import Connection
from tests.tally.telemetry import captures

LANGFUSE = captures.load("node-langfuse-legacy")[0].body
LITELLM = captures.load("py-litellm-generic")[0].body


def test_batch_of_langfuse_is_answered_event_by_event(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    client = api.client(authorization=basic("pk-lf-1", make_key()))
    batch = json.loads(LANGFUSE)
    batch["batch"].append({"id": "broken", "type": "generation-create"})
    answer = client.post("/api/public/ingestion", json=batch)
    assert answer.status_code == 207
    told = answer.json()
    assert [error["id"] for error in told["errors"]] == ["broken"]
    assert told["errors"][0]["status"] == 400
    assert told["errors"][0]["message"].endswith(".")
    assert {event["id"] for event in told["successes"]} == {
        event["id"] for event in json.loads(LANGFUSE)["batch"]
    }
    assert {event["status"] for event in told["successes"]} == {201}
    assert count(database) == len(captures.expected("node-langfuse-legacy")["calls"])


def test_clients_that_are_set_up_for_langfuse_send_spans(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    client = api.client(authorization=basic("pk-lf-1", make_key()))
    assert post(client, as_json(call_span()), path="/api/public/otel/v1/traces").status_code == 200
    assert count(database) == 1


def payloads(lines: bool) -> tuple[bytes, str]:
    found = json.loads(LITELLM)
    if lines:
        return b"\n".join(json.dumps(each).encode() for each in found), "application/x-ndjson"
    return LITELLM, "application/json"


@pytest.mark.parametrize("lines", [False, True])
def test_logs_of_litellm_are_taken_as_an_array_and_as_lines(
    api: ApiServer, make_key: MakeKey, database: Connection, lines: bool
) -> None:
    body, media_type = payloads(lines)
    answer = post(api.client(make_key()), body, media_type, "/v1/litellm")
    expected = len(captures.expected("py-litellm-generic")["calls"])
    assert (answer.status_code, answer.json()) == (200, {"accepted": expected, "rejected": []})
    assert count(database) == expected


def test_call_of_litellm_that_cannot_be_counted_is_named_and_the_rest_is_kept(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    found: list[Any] = json.loads(LITELLM)
    answer = post(api.client(make_key()), json.dumps([*found, 5]).encode(), path="/v1/litellm")
    assert answer.json()["rejected"] == ["The call “” was refused: it is not an object."]
    assert count(database) == len(captures.expected("py-litellm-generic")["calls"])


UNSTORABLE = ("\x00", "\ud800", "\udfff", "\\\x00")


def test_text_of_litellm_that_cannot_be_stored_is_replaced(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    """An answer to send it again would come for ever."""
    call, keys = json.loads(LITELLM)[0], ("model", "end_user", "trace_id", "prompt_tokens")
    sent = [
        call
        | {"id": f"chatcmpl-{key}-{place}", "litellm_call_id": f"{key} {place}", "hidden_params": {}}
        | {key: f"🙂{character}x"}
        for key in keys
        for place, character in enumerate(UNSTORABLE)
    ]
    answer = post(api.client(make_key()), json.dumps(sent).encode(), path="/v1/litellm")
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == count(database) == 12
    assert all("prompt_tokens are 🙂" in sentence for sentence in answer.json()["rejected"])
    models = database.execute("select distinct model_name from public.cost_records").fetchall()
    assert {(f"🙂{each}\N{REPLACEMENT CHARACTER}x",) for each in ("", "\\")} < set(models)


def test_text_of_langfuse_that_cannot_be_stored_is_replaced(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    at = "2026-11-28T12:00:00Z"
    told = {"traceId": "t", "model": "gpt-4o", "usage": {"input": 3}, "startTime": at, "endTime": at}
    sent = [
        {
            "id": f"{key} {place}",
            "type": "generation-create",
            "timestamp": at,
            "body": told | {"id": f"{key} {place}"} | {key: f"{key} {place} {character}"},
        }
        for key in ("id", "model", "traceId", "parentObservationId", "environment", "promptName")
        for place, character in enumerate(UNSTORABLE)
    ]
    body = json.dumps({"batch": sent}).encode()
    answer = post(api.client(make_key()), body, path="/api/public/ingestion")
    assert answer.status_code == 207, answer.text
    assert answer.json()["errors"] == []
    assert count(database) == len(sent)


@pytest.mark.parametrize(("path", "body"), [("/v1/litellm", b"5"), ("/api/public/ingestion", b"[]")])
def test_body_of_another_shape_is_refused(api: ApiServer, make_key: MakeKey, path: str, body: bytes) -> None:
    answer = post(api.client(make_key()), body, path=path)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


def test_call_is_on_the_page_within_seconds(api: ApiServer, make_key: MakeKey) -> None:
    writer, reader = api.client(make_key()), api.client(make_key("read"))
    seconds = []
    for number in (1, 2, 3):  # the machine may be busy
        began = time.monotonic()
        assert post(writer, as_json(call_span(number))).status_code == 200
        assert reader.get("/v1/costs").json()["total"]["requests"] == number
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 3


def test_answers_come_after_the_save(client_pair: tuple[httpx.Client, Connection]) -> None:
    client, database = client_pair
    for number in range(1, 6):
        assert post(client, as_json(call_span(number))).status_code == 200
        assert count(database) == number


@pytest.fixture
def client_pair(api: ApiServer, make_key: MakeKey, database: Connection) -> tuple[httpx.Client, Connection]:
    return api.client(make_key()), database
