"""OTLP over HTTP: statuses and bodies of its specification, in the encoding of the request."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)

from api.app import create_api
from api.settings import NO_DATABASE, ApiSettings
from tests.api.bombs import make_bomb
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project
from tests.tally.telemetry import otlp

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SIGNALS = ["traces", "logs", "metrics"]


def call_span(span_id: int = 1, trace_id: int = 1, **attributes: str | int) -> dict[str, Any]:
    """A span of a call, as OTLP's JSON."""
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 10,
        **attributes,
    }
    start = time.time_ns()
    return otlp.span(
        f"{span_id:016x}",
        traceId=f"{trace_id:032x}",
        startTimeUnixNano=str(start),
        endTimeUnixNano=str(start + 10**9),
        name="chat gpt-5",
        attributes=told,
    )


def as_json(*spans: dict[str, Any]) -> bytes:
    return otlp.as_json(request_of(*spans))


def as_protobuf(*spans: dict[str, Any]) -> bytes:
    return otlp.as_protobuf(request_of(*spans))


def request_of(*spans: dict[str, Any]) -> dict[str, Any]:
    """A request of spans whose program has no name."""
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


ENCODINGS: dict[str, Callable[..., bytes]] = {PROTOBUF: as_protobuf, JSON: as_json}


def post(
    client: httpx.Client, body: bytes, media_type: str = JSON, path: str = "/v1/traces", **headers: str
) -> httpx.Response:
    sent = {"content-type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, content=body, headers=sent)


def read_refusal(answer: httpx.Response, media_type: str) -> tuple[int, str]:
    """The code and the message of a refusal, which is in the encoding of its request."""
    assert answer.headers["content-type"].partition(";")[0] == media_type
    if media_type == PROTOBUF:
        status = Status.FromString(answer.content)
        return status.code, status.message
    assert set(answer.json()) == {"code", "message"}
    return answer.json()["code"], answer.json()["message"]


def count(database: Connection) -> int:
    [[records]] = database.execute("select count(*) from public.cost_records").fetchall()
    return int(records)


@pytest.fixture
def client(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    return api.client(make_key())


@pytest.mark.parametrize("media_type", ENCODINGS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_all_taken_is_an_empty_answer_in_the_requests_encoding(
    client: httpx.Client, database: Connection, media_type: str, method: str
) -> None:
    body = ENCODINGS[media_type](call_span(1), call_span(2))
    answer = client.request(method, "/v1/traces", content=body, headers={"content-type": media_type})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content == (b"" if media_type == PROTOBUF else b"{}")
    assert answer.headers["cache-control"] == "no-store"
    assert count(database) == 2


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_some_refused_is_a_partial_success_with_a_sentence(
    client: httpx.Client, database: Connection, media_type: str
) -> None:
    answer = post(client, ENCODINGS[media_type](call_span(1), call_span(0)), media_type)
    assert answer.status_code == 200
    if media_type == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        rejected, message = partial.rejected_spans, partial.error_message
    else:
        told = answer.json()["partialSuccess"]
        rejected, message = int(told["rejectedSpans"]), told["errorMessage"]
    assert rejected == 1
    assert message.endswith(".")
    assert count(database) == 1


def test_partial_success_of_logs_counts_log_records(client: httpx.Client) -> None:
    log = {"timeUnixNano": "1", "body": {"stringValue": "x"}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}).encode()
    answer = post(client, body, path="/v1/logs").json()
    if answer:
        assert set(answer["partialSuccess"]) == {"rejectedLogRecords", "errorMessage"}
    assert ExportLogsServiceResponse.FromString(b"") == ExportLogsServiceResponse()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b"")])
def test_empty_payload_is_a_success(client: httpx.Client, signal: str, media_type: str, body: bytes) -> None:
    """OpenRouter tests a connection so."""
    answer = post(client, body, media_type, f"/v1/{signal}", x_test_connection="true")
    assert (answer.status_code, answer.content) == (200, b"" if media_type == PROTOBUF else b"{}")


def test_metrics_are_taken_and_not_kept(client: httpx.Client, database: Connection) -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="gen_ai.client.token.usage")
    metric.sum.data_points.add(as_int=5)
    answer = post(client, request.SerializeToString(), PROTOBUF, "/v1/metrics")
    assert (answer.status_code, answer.content, count(database)) == (200, b"", 0)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("media_type", ENCODINGS)
def test_undecodable_body_is_refused_in_its_encoding(
    client: httpx.Client, signal: str, media_type: str
) -> None:
    code, message = read_refusal(post(client, b"\xff{not this", media_type, f"/v1/{signal}"), media_type)
    assert code == 3
    assert message.endswith(".")
    assert "Traceback" not in message


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_refusals_have_the_status_and_the_encoding_of_the_specification(
    api: ApiServer, make_key: MakeKey, media_type: str
) -> None:
    ingest, readonly, limited = make_key(), make_key("read"), make_key(requests_per_minute=1)
    body = ENCODINGS[media_type](call_span())
    one_a_minute = api.client(limited)  # the second of three is refused, or the third in another minute
    slowed = [post(one_a_minute, body, media_type) for _ in range(3)]
    cases = [
        (401, 16, post(api.client(), body, media_type)),
        (403, 7, post(api.client(readonly), body, media_type)),
        (413, 11, post(api.client(ingest), bytes(17 * 1024 * 1024), media_type)),
        (
            413,
            11,
            post(
                api.client(ingest), make_bomb("gzip", media_type == JSON), media_type, content_encoding="gzip"
            ),
        ),
        (415, 3, post(api.client(ingest), body, media_type, content_encoding="zstd")),
        (429, 8, next(answer for answer in slowed if answer.status_code == 429)),
    ]
    for status, code, answer in cases:
        assert answer.status_code == status
        found, message = read_refusal(answer, media_type)
        assert (found, message[-1]) == (code, "."), message
        assert ("retry-after" in answer.headers) == (status == 429)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/grpc", "application/xml"])
def test_other_content_types_are_refused(client: httpx.Client, media_type: str) -> None:
    answer = post(client, b"{}", media_type)
    assert (answer.status_code, answer.json()["code"]) == (415, 3)


def test_parameters_of_a_content_type_are_ignored(client: httpx.Client, database: Connection) -> None:
    assert post(client, as_json(call_span()), "Application/JSON; charset=utf-8").status_code == 200
    assert count(database) == 1


def test_chunked_body_without_a_length_is_taken(client: httpx.Client, database: Connection) -> None:
    body = as_protobuf(call_span())

    def chunks() -> Iterator[bytes]:
        for place in range(0, len(body), 7):
            yield body[place : place + 7]

    answer = client.post("/v1/traces", content=chunks(), headers={"content-type": PROTOBUF})
    assert (answer.status_code, count(database)) == (200, 1)


@pytest.mark.parametrize("megabytes", [17, 40])
def test_client_that_sends_too_much_sees_the_refusal(client: httpx.Client, megabytes: int) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1024 * 1024)

    assert client.post("/v1/traces", content=chunks(), headers={"content-type": PROTOBUF}).status_code == 413


def test_client_that_sends_much_without_a_key_sees_the_refusal(api: ApiServer) -> None:
    answers = [post(api.client(), bytes(15 * 1024 * 1024), PROTOBUF) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {401}


def test_database_that_is_away_is_to_be_tried_again(make_key: MakeKey) -> None:
    away = ApiSettings.model_validate({"api_database_url": "postgresql://tally_api:x@127.0.0.1:1/postgres"})
    for settings in (away, ApiSettings()):
        with ApiServer(create_api(settings)) as alone:
            answer = post(alone.client(make_key()), as_json(call_span()))
        assert (answer.status_code, answer.json()["code"]) == (503, 14)
        assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["message"] == NO_DATABASE


def test_tokens_a_minute_are_limited_and_a_retry_is_no_second_call(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    client = api.client(make_key(tokens_per_minute=2_000))
    statuses = [post(client, as_json(call_span(number))).status_code for number in (1, 2)]
    assert statuses == [200, 429]
    assert count(database) == 1


def test_exceeded_budget_drops_nothing(client: httpx.Client, database: Connection, user: object) -> None:
    database.execute(
        """insert into public.budgets (workspace_id, name, amount, currency)
        values (%s, 'All', 0.000001, 'USD')""",
        [user],
    )
    for number in (1, 2, 3):
        assert post(client, as_json(call_span(number))).status_code == 200
    assert count(database) == 3


def test_key_acts_in_its_own_workspace_alone(
    api: ApiServer, make_key: MakeKey, database: Connection, user: object, stranger: Any
) -> None:
    post(api.client(make_key(owner=stranger)), as_json(call_span()))
    query = "select workspace_id, user_id from public.cost_records"
    assert database.execute(query).fetchall() == [(stranger, stranger)]
    assert user != stranger


def test_key_of_somebody_who_may_no_longer_save_is_refused(
    project: Project, api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    team = make_team(project, database)
    client = api.client(make_key(owner=team["member"].id, workspace=team.id))
    assert post(client, as_json(call_span(1))).status_code == 200
    database.execute(
        "update public.members set role = 'viewer' where user_id = %s and workspace_id = %s",
        [team["member"].id, team.id],
    )
    answer = post(client, as_json(call_span(2)))
    assert answer.status_code == 403, "though the key is still known"
    assert count(database) == 1


def test_spans_are_a_trace_with_what_its_calls_cost(client: httpx.Client, database: Connection) -> None:
    root = call_span(1) | {"name": "checkout", "attributes": []}
    call = call_span(2) | {"parentSpanId": root["spanId"]}
    for _ in range(2):
        assert post(client, as_json(root, call)).content == b"{}"
    saved = "select name, kind, parent_span_id, cost_usd from public.spans order by span_id"
    [[usd]] = database.execute("select cost_usd from public.cost_records").fetchall()
    assert database.execute(saved).fetchall() == [
        ("checkout", "internal", "", None),
        ("chat gpt-5", "llm", root["spanId"], usd),
    ]
    assert database.execute("select spans, cost_usd from public.traces").fetchall() == [(2, usd)]
