"""Requests in both encodings."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.decoding import decode_logs, decode_metrics, decode_traces
from tally.telemetry.signals import Decoded, Undecodable
from tests.every_case import every_case
from tests.tally.telemetry.otlp import as_json, as_protobuf, log, logs, span, traces

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(TEXTS, SCALARS, max_size=3))
ENCODINGS = pytest.mark.parametrize("is_json", [True, False], ids=["json", "protobuf"])


def decode(request: dict[str, object], is_json: bool) -> Decoded:
    body = as_json(request) if is_json else as_protobuf(request)
    return decode_logs(body, is_json) if "resourceLogs" in request else decode_traces(body, is_json)


@ENCODINGS
def test_span_has_what_was_sent(is_json: bool) -> None:
    sent = span(
        parentSpanId="eee19b7ec3c1b173",
        status={"code": 2, "message": "rate limited"},
        attributes={"n": 7, "x": 0.5, "yes": True, "many": ["a", 1], "nested": {"deeper": {"n": 1}}},
        events=[{"name": "exception", "timeUnixNano": "0", "attributes": []}],
    )
    decoded = decode(traces(sent, scope="lib", team="red"), is_json)
    (found,) = decoded.spans
    assert (found.trace_id, found.span_id) == (sent["traceId"], sent["spanId"])
    assert found.parent_span_id == "eee19b7ec3c1b173"
    assert (found.name, found.kind, found.scope) == ("chat gpt-4o", 3, "lib")
    assert found.start == datetime(2026, 11, 28, 2, 20, 10, tzinfo=UTC)
    assert found.end - found.start == timedelta(seconds=2)
    assert (found.status, found.status_message) == ("error", "rate limited")
    assert found.attributes == {"n": 7, "x": 0.5, "yes": True, "many": ["a", 1], "nested.deeper.n": 1}
    assert found.resource == {"service.name": "shop", "team": "red"}
    assert [event.name for event in found.events] == ["exception"]
    assert decoded.rejected == decoded.remarks == []


@every_case(
    [
        ({"doubleValue": "12.5"}, 12.5),  # as the JSON of protobuf may write it
        ({"doubleValue": "NaN"}, "nan"),
        ({"doubleValue": "many"}, "many"),
        ({"intValue": "12"}, 12),
        ({"intValue": "12.5"}, "12.5"),
        ({"intValue": 12.5}, "12.5"),
        ({"intValue": "9" * 50}, "9" * 50),
    ]
)
def test_number_that_is_none_is_kept_as_text(value: dict[str, object], read: object) -> None:
    """A count of tokens that is dropped would be a count of zero."""
    sent = span() | {"attributes": [{"key": "n", "value": value}]}
    (found,) = decode(traces(sent), is_json=True).spans
    assert found.attributes == {"n": read}


@ENCODINGS
def test_log_record_has_what_was_sent(is_json: bool) -> None:
    sent = log({"event.name": "api_request", "input_tokens": 12}, traceId="5b8efff798038103d269b633813fc60c")
    (found,) = decode(logs(sent, scope="events"), is_json).logs
    assert (found.name, found.scope, found.attributes["input_tokens"]) == ("api_request", "events", 12)
    assert found.trace_id == "5b8efff798038103d269b633813fc60c"
    assert found.timestamp == datetime(2026, 11, 28, 2, 20, 10, tzinfo=UTC)


@ENCODINGS
def test_log_record_without_a_time_is_of_when_it_was_observed(is_json: bool) -> None:
    sent = log({}, timeUnixNano="0", observedTimeUnixNano="1795832410000000000")
    (found,) = decode(logs(sent), is_json).logs
    assert found.timestamp == datetime(2026, 11, 28, 2, 20, 10, tzinfo=UTC)


@ENCODINGS
def test_empty_request_is_none(is_json: bool) -> None:
    for body in (b"", b"{}" if is_json else b""):
        assert decode_traces(body, is_json) == decode_logs(body, is_json) == Decoded()


@ENCODINGS
@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"[1", b'{"a": ' * 9_999], ids=repr)
def test_body_that_is_no_request_says_what_to_check(body: bytes, is_json: bool) -> None:
    for decode_signal in (decode_traces, decode_logs, decode_metrics):
        with pytest.raises(Undecodable, match=r"The body is .*\. Check .*\."):
            decode_signal(body[:60_000], is_json)


def test_hand_made_json_is_read() -> None:
    """Snake case, upper-case ids, names of enums, numbers as numbers."""
    body = as_json(
        {
            "resource_spans": [
                {
                    "scope_spans": [
                        {
                            "spans": [
                                {
                                    "trace_id": "5B8EFFF798038103D269B633813FC60C",
                                    "span_id": "EEE19B7EC3C1B174",
                                    "start_time_unix_nano": 1795832410000000000,
                                    "end_time_unix_nano": 1795832412000000000,
                                    "kind": "SPAN_KIND_CLIENT",
                                    "status": {"code": "STATUS_CODE_ERROR"},
                                    "attributes": [{"key": "n", "value": {"int_value": 7}}],
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )
    (found,) = decode_traces(body, is_json=True).spans
    assert (found.trace_id, found.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (found.kind, found.status, found.attributes) == (3, "error", {"n": 7})


def test_metrics_tell_nothing() -> None:
    assert decode_metrics(b'{"resourceMetrics": []}', is_json=True) == Decoded()


@given(st.dictionaries(TEXTS, VALUES, max_size=6), TEXTS)
def test_both_encodings_of_a_span_are_the_same(of: dict[str, object], name: str) -> None:
    request = traces(span(attributes=of, name=name, status={"code": 2, "message": name}))
    assert decode(request, is_json=True) == decode(request, is_json=False)
    recorded = logs(log(of, eventName=name))
    assert decode(recorded, is_json=True) == decode(recorded, is_json=False)


def decode_or_refuse(decode_signal: Callable[[bytes, bool], Decoded], body: bytes, is_json: bool) -> object:
    try:
        return decode_signal(body, is_json)
    except Undecodable as refusal:
        return str(refusal)


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused_with_a_sentence(body: bytes) -> None:
    for is_json in (True, False):
        for decode_signal in (decode_traces, decode_logs, decode_metrics):
            found = decode_or_refuse(decode_signal, body, is_json)
            assert found.endswith(".") if isinstance(found, str) else isinstance(found, Decoded)


@given(st.data())
def test_damaged_request_keeps_what_can_be_read(data: st.DataObject) -> None:
    """Any byte may be another: nothing but `Undecodable` is raised."""
    body = bytearray(as_protobuf(traces(span(attributes={"x": "text"}), span("a" * 16))))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    found = decode_or_refuse(decode_traces, bytes(body), is_json=False)
    assert "Check" in found if isinstance(found, str) else isinstance(found, Decoded)
