"""Items that cannot be taken as they were sent: a partial success with a sentence, and the rest is saved."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_otlp import JSON, PROTOBUF, call_span, post, request_of
from tests.database_fixtures import Connection
from tests.tally.telemetry import otlp

YEAR = 365 * 86_400 * 10**9
SENTENCE = re.compile(r"[A-Z“].{20,}[.…]", re.DOTALL)
BOTH = (PROTOBUF, JSON)
Make = Callable[[bool], bytes]  # the body, in JSON or in protobuf


@dataclass(frozen=True)
class Case:
    """A request with something bad in it beside a good call."""

    make: Make
    says: str
    rejected: int  # items; none where it is taken with a remark
    records: int
    encodings: tuple[str, ...] = BOTH
    path: str = "/v1/traces"


def encode(request: dict[str, Any], is_json: bool) -> bytes:
    return otlp.as_json(request) if is_json else otlp.as_protobuf(request)


def beside_good(*bad: dict[str, Any]) -> Make:
    return lambda is_json: encode(request_of(*bad, call_span(0xA)), is_json)


def at(nanoseconds: int) -> dict[str, Any]:
    """A call at a time."""
    return call_span(1) | {
        "startTimeUnixNano": str(nanoseconds),
        "endTimeUnixNano": str(nanoseconds + 10**9),
    }


def log_at(nanoseconds: int, number: int) -> dict[str, Any]:
    """An event of Claude Code at a time."""
    told = {
        "event.name": "api_request",
        "model": "claude-sonnet-4-5",
        "input_tokens": 10,
        "output_tokens": 5,
        "request_id": f"req_{number}",
        "session.id": "s",
    }
    return otlp.log(told, timeUnixNano=str(nanoseconds))


def logs_of_times(is_json: bool) -> bytes:
    now = time.time_ns()
    records = [log_at(when, number) for number, when in enumerate((now, 10**9, now + 2 * YEAR))]
    return encode(otlp.logs(*records, scope="com.anthropic.claude_code.events"), is_json)


def in_2999(is_json: bool) -> bytes:
    """Nanoseconds of protobuf end in 2554."""
    return beside_good(at(1_029 * YEAR + YEAR // 2 if is_json else 2**64 - 2 * 10**9))(is_json)


def logs_among_spans(is_json: bool) -> bytes:
    bad, good = otlp.logs(otlp.log({"event.name": "api_request"})), request_of(call_span(0xA))
    if is_json:
        return otlp.as_json(good | bad)
    return otlp.as_protobuf(bad) + otlp.as_protobuf(good)


def parents_in_a_circle() -> list[dict[str, Any]]:
    first, second = call_span(1), call_span(2)
    return [first | {"parentSpanId": second["spanId"]}, second | {"parentSpanId": first["spanId"]}]


def a_million_tags(is_json: bool) -> bytes:
    """As many as fit into 16 MB, where JSON is."""
    if is_json:
        tags = [{"key": f"{number:x}", "value": {"boolValue": True}} for number in range(300_000)]
        many = call_span(1)
        return otlp.as_json(request_of(many | {"attributes": [*many["attributes"], *tags]}, call_span(0xA)))
    request = ExportTraceServiceRequest.FromString(otlp.as_protobuf(request_of(call_span(1), call_span(0xA))))
    many = request.resource_spans[0].scope_spans[0].spans[0].attributes
    for number in range(1_000_000):
        many.add(key=f"{number:x}").value.bool_value = True
    return bytes(request.SerializeToString())


def not_utf8(is_json: bool) -> bytes:
    body = encode(request_of(call_span(1, note="marker"), call_span(0xA)), is_json)
    return body.replace(b"marker", b"\xff\xfe\xfd\xfc\xfb\xfa")


def call_of(tokens: dict[str, Any]) -> dict[str, Any]:
    """A call with a value of OTLP as its input tokens."""
    call = call_span(1, **{"gen_ai.usage.input_tokens": 0})
    for each in call["attributes"]:
        if each["key"] == "gen_ai.usage.input_tokens":
            each["value"] = tokens
    return call


CASES = {
    "zero span id": Case(beside_good(call_span(0)), "not all zero", 1, 1),
    "zero trace id": Case(beside_good(call_span(1, trace_id=0)), "not all zero", 1, 1),
    "logs sent to traces": Case(logs_among_spans, "send them to /v1/logs", 1, 1, (PROTOBUF,)),
    "attributes as an object": Case(
        beside_good(call_span(1) | {"attributes": {"gen_ai.system": "openai"}}),
        "must be a list",
        1,
        1,
        (JSON,),
    ),
    "1970": Case(beside_good(at(10**9)), "in 1970", 1, 1),
    "2999": Case(in_2999, "in 2998|in 2999|in 2554", 1, 1),
    "two years ahead": Case(beside_good(at(time.time_ns() + 2 * YEAR)), "more than a year ahead", 1, 1),
    "negative tokens": Case(beside_good(call_span(1, **{"gen_ai.usage.input_tokens": -5})), "refused", 1, 1),
    "10^18 tokens": Case(beside_good(call_span(1, **{"gen_ai.usage.input_tokens": 10**18})), "refused", 1, 1),
    "10^18 output tokens": Case(
        beside_good(call_span(1, **{"gen_ai.usage.output_tokens": 10**18})), "refused", 1, 1
    ),
    "tokens that are no number": Case(
        beside_good(call_of({"doubleValue": "NaN"})), "input tokens are nan", 1, 1
    ),
    "endless tokens": Case(beside_good(call_of({"doubleValue": "Infinity"})), "input tokens are inf", 1, 1),
    "half a token, as a whole number": Case(
        beside_good(call_of({"intValue": "12.5"})), "input tokens are 12.5", 1, 1, (JSON,)
    ),
    "64 kB of text": Case(beside_good(call_span(1, note="é" * 64_000)), "the first 4,096 characters", 0, 2),
    "64 kB of a name": Case(beside_good(call_span(1, **{"n" * 64_000: 1})), "names of more than", 0, 2),
    "parents in a circle": Case(beside_good(*parents_in_a_circle()), "its own ancestor", 0, 3),
    "its own parent": Case(
        beside_good(call_span(1) | {"parentSpanId": call_span(1)["spanId"]}), "its own ancestor", 0, 2
    ),
    "a million tags": Case(a_million_tags, "256 attributes are kept", 0, 2),
    "text that is not UTF-8, of protobuf": Case(not_utf8, "must be UTF-8", 1, 1, (PROTOBUF,)),
    "text that is not UTF-8, of JSON": Case(not_utf8, "UTF-8", 0, 2, (JSON,)),
    "log records of other times": Case(logs_of_times, "in 1970", 2, 1, path="/v1/logs"),
}


def read_partial(answer: httpx.Response, case: Case) -> tuple[int, str]:
    """The number of rejected items, and the sentences."""
    is_logs = case.path == "/v1/logs"
    if answer.headers["content-type"].startswith(PROTOBUF):
        kind: type[Message] = ExportLogsServiceResponse if is_logs else ExportTraceServiceResponse
        partial: Any = kind.FromString(answer.content)
        found = partial.partial_success
        return found.rejected_log_records if is_logs else found.rejected_spans, found.error_message
    told = answer.json()["partialSuccess"]
    return int(told["rejectedLogRecords" if is_logs else "rejectedSpans"]), told["errorMessage"]


@pytest.mark.parametrize(
    ("name", "media_type"), [(name, each) for name, case in CASES.items() for each in case.encodings]
)
def test_bad_input_is_a_partial_success_with_a_sentence(
    api: ApiServer, make_key: MakeKey, database: Connection, name: str, media_type: str
) -> None:
    case, client = CASES[name], api.client(make_key())
    body = case.make(media_type == JSON)
    for _ in range(2):  # sending it again says the same
        answer = post(client, body, media_type, case.path)
        assert answer.status_code == 200, answer.text
        rejected, message = read_partial(answer, case)
        assert re.search(case.says, message), message
        assert SENTENCE.fullmatch(message)
        assert rejected == case.rejected, message
        saved = "select count(*) from public.cost_records where input_tokens between 1 and 1000"
        assert database.execute(saved).fetchall() == [(case.records,)]
