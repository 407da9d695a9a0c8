"""Items that cannot be taken: each has a sentence, and the rest of its request is kept."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tally.telemetry.decoding import decode_logs, decode_traces
from tally.telemetry.decoding.notes import MAX_ATTRIBUTES
from tally.telemetry.decoding.values import MAX_TEXT
from tally.telemetry.signals import Decoded, Undecodable
from tests.every_case import every_case
from tests.tally.telemetry.otlp import START, as_json, as_protobuf, attributes, log, logs, span, traces

GOOD = span("aaaaaaaaaaaaaaaa")
DAY = 86_400 * 10**9
YEAR_2999 = str(1_030 * 365 * DAY)
ENCODINGS = pytest.mark.parametrize("is_json", [True, False], ids=["json", "protobuf"])


def decode_beside_good(bad: dict[str, Any], is_json: bool) -> Decoded:
    request = traces(bad, GOOD)
    decoded = decode_traces(as_json(request) if is_json else as_protobuf(request), is_json)
    assert "aaaaaaaaaaaaaaaa" in {found.span_id for found in decoded.spans}
    return decoded


def is_sentence(text: str) -> bool:
    return re.fullmatch(r"[A-Z].{20,300}[.…]", text) is not None


@ENCODINGS
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (span("0000000000000000"), "not all zero"),
        (span(traceId="00" * 16), "not all zero"),
        (span(traceId="5b8e"), "trace id of 16 bytes"),
        (span(startTimeUnixNano="1", endTimeUnixNano="2"), "in 1970"),
        (span(startTimeUnixNano="0", endTimeUnixNano="0"), "has no time"),
        (span(startTimeUnixNano=str(START // 10**9)), "has its time in seconds"),
        (span(startTimeUnixNano=str(START // 10**6)), "has its time in milliseconds"),
        (span(startTimeUnixNano=str(START // 10**3)), "has its time in microseconds"),
        (span(startTimeUnixNano=YEAR_2999), r"in 299\d|in 2998|in no year"),
        (span(endTimeUnixNano=str(2**64 - 1)), "end of the span"),
    ],
)
def test_bad_span_is_refused_with_a_sentence(bad: dict[str, Any], says: str, is_json: bool) -> None:
    if not is_json and bad["startTimeUnixNano"] == YEAR_2999:
        bad = bad | {"startTimeUnixNano": str(2**64 - 1)}
        says = "in 2554"
    decoded = decode_beside_good(bad, is_json)
    (sentence,) = decoded.rejected
    assert re.search(says, sentence)
    assert is_sentence(sentence)
    assert len(decoded.spans) == 1


@pytest.mark.parametrize(
    "written",
    ["2026-11-28T02:00:10.5+00:00", "2026-11-28T02:00:10.500000000Z", "2026-11-28 03:00:10.500+01:00"],
)
def test_time_that_is_written_out_is_read(written: str) -> None:
    bad = span(startTimeUnixNano=written, events=[{"name": "x", "timeUnixNano": written}])
    decoded = decode_beside_good(bad | {"endTimeUnixNano": "2026-11-28T02:00:12Z"}, is_json=True)
    start = datetime(2026, 11, 28, 2, 0, 10, 500_000, tzinfo=UTC)
    assert (decoded.spans[0].start, decoded.spans[0].events[0].timestamp) == (start, start)
    assert decoded.spans[0].end - start == timedelta(seconds=1.5)
    record = log({}) | {"timeUnixNano": written}
    assert decode_logs(as_json(logs(record)), is_json=True).logs[0].timestamp == start


@every_case(
    [
        (written,)
        for written in [
            "yesterday",
            "2026-11-28T02:00:10",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "12.5",
        ]
    ]
)
def test_time_that_cannot_be_read_is_quoted(written: str) -> None:
    (sentence,) = decode_beside_good(span(startTimeUnixNano=written), is_json=True).rejected
    assert written[:10] in sentence
    assert "offset from UTC" in sentence
    assert is_sentence(sentence)


def test_time_of_an_event_that_cannot_be_read_is_that_of_its_span() -> None:
    decoded = decode_beside_good(span(events=[{"name": "x", "timeUnixNano": "yesterday"}]), is_json=True)
    assert decoded.spans[0].events[0].timestamp == decoded.spans[0].start


@ENCODINGS
def test_logs_among_traces_are_told_where_to_go(is_json: bool) -> None:
    request = logs(log({"event.name": "api_request"}), log({}))
    decoded = decode_traces(as_json(request) if is_json else as_protobuf(request), is_json)
    assert decoded.spans == []
    assert len(decoded.rejected) == 2
    assert all("send them to /v1/logs" in sentence for sentence in decoded.rejected)


def test_attributes_as_an_object_are_refused() -> None:
    decoded = decode_beside_good(span() | {"attributes": {"gen_ai.system": "openai"}}, is_json=True)
    (sentence,) = decoded.rejected
    assert "must be a list" in sentence
    assert is_sentence(sentence)


@every_case([(items,) for items in [{"spanId": "x"}, [1], ["x", None], [[]]]])
def test_items_of_other_types_are_refused(items: object) -> None:
    request = traces()
    request["resourceSpans"][0]["scopeSpans"] += [{"spans": items}, {"spans": [GOOD]}]
    decoded = decode_traces(as_json(request), is_json=True)
    assert len(decoded.spans) == 1
    assert decoded.rejected
    assert all(map(is_sentence, decoded.rejected))


@ENCODINGS
def test_span_that_is_its_own_parent_is_kept_with_a_remark(is_json: bool) -> None:
    decoded = decode_beside_good(span("bbbbbbbbbbbbbbbb", parentSpanId="bbbbbbbbbbbbbbbb"), is_json)
    (remark,) = decoded.remarks
    assert "its own ancestor" in remark
    assert is_sentence(remark)
    assert len(decoded.spans) == 2


def test_parents_in_a_circle_are_kept_with_one_remark() -> None:
    circle = [
        span("bbbbbbbbbbbbbbbb", parentSpanId="cccccccccccccccc"),
        span("cccccccccccccccc", parentSpanId="bbbbbbbbbbbbbbbb"),
        span("dddddddddddddddd", parentSpanId="bbbbbbbbbbbbbbbb"),
    ]
    decoded = decode_traces(as_json(traces(*circle)), is_json=True)
    assert len(decoded.spans) == 3
    assert len(decoded.remarks) == 1


@ENCODINGS
def test_long_text_is_cut_with_a_remark(is_json: bool) -> None:
    decoded = decode_beside_good(span(attributes={"note": "é" * 64_000}), is_json)
    assert decoded.spans[0].attributes == {"note": "é" * MAX_TEXT}
    assert is_sentence(decoded.remarks[0])


@ENCODINGS
def test_unprintable_text_can_be_stored(is_json: bool) -> None:
    decoded = decode_beside_good(span(name="a\0b", attributes={"note": "a\0b\nc"}), is_json)
    assert decoded.spans[0].attributes == {"note": "a�b\nc"}
    assert decoded.spans[0].name == "a�b"


def test_half_of_a_surrogate_pair_can_be_stored() -> None:
    decoded = decode_beside_good(span(attributes={"note": "\ud800!"}), is_json=True)
    assert str(decoded.spans[0].attributes["note"]).encode() == "\N{REPLACEMENT CHARACTER}!".encode()


@ENCODINGS
def test_of_too_many_attributes_those_that_count_are_kept(is_json: bool) -> None:
    many = {f"tag.{number}": number for number in range(20_000)} | {"gen_ai.usage.input_tokens": 12}
    decoded = decode_beside_good(span(attributes=many), is_json)
    kept = decoded.spans[0].attributes
    assert len(kept) == MAX_ATTRIBUTES + 1
    assert kept["gen_ai.usage.input_tokens"] == 12
    assert is_sentence(decoded.remarks[0])


@ENCODINGS
def test_attribute_with_a_long_name_is_left_out_with_a_remark(is_json: bool) -> None:
    decoded = decode_beside_good(span(attributes={"x" * 70_000: 1, "n": 2}), is_json)
    assert decoded.spans[0].attributes == {"n": 2}
    assert is_sentence(decoded.remarks[0])


@pytest.mark.parametrize("place", [b"marker-name", b"marker-value", b"marker-status"])
def test_text_that_is_not_utf_8_costs_one_span_of_protobuf(place: bytes) -> None:
    bad = span(name="marker-name", status={"message": "marker-status"}, attributes={"x": "marker-value"})
    body = as_protobuf(traces(bad, GOOD)).replace(place, b"\xff" * len(place))
    decoded = decode_traces(body, is_json=False)
    assert [found.span_id for found in decoded.spans] == ["aaaaaaaaaaaaaaaa"]
    (sentence,) = decoded.rejected
    assert is_sentence(sentence)
    assert "A span could not be read" in sentence


def test_sender_that_is_not_utf_8_costs_no_span() -> None:
    body = as_protobuf(traces(GOOD, host="marker")).replace(b"marker", b"\xff" * 6)
    decoded = decode_traces(body, is_json=False)
    assert len(decoded.spans) == 1
    assert decoded.spans[0].resource == {}
    assert is_sentence(decoded.remarks[0])


@pytest.mark.parametrize("part", [b"\x00\x00", b"\x0a\x01\xff"], ids=["no fields", "too many"])
def test_request_of_countless_unreadable_parts_is_refused_as_a_whole(part: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_traces(part * 300_000, is_json=False)


def test_text_that_is_not_utf_8_is_replaced_in_json() -> None:
    body = as_json(traces(span(attributes={"x": "marker"}), GOOD)).replace(b"marker", b"\xff\xfe")
    decoded = decode_traces(body, is_json=True)
    assert len(decoded.spans) == 2
    assert decoded.spans[0].attributes == {"x": "��"}
    assert is_sentence(decoded.remarks[0])


def test_log_record_of_another_time_is_refused() -> None:
    request = logs(log({}, timeUnixNano="1"), log({}), log({}) | {"attributes": {}})
    decoded = decode_logs(as_json(request), is_json=True)
    assert len(decoded.logs) == 1
    assert len(decoded.rejected) == 2
    assert all(map(is_sentence, decoded.rejected))


def test_numbers_beyond_every_count_are_kept_as_such() -> None:
    """A mapper refuses them: here, they would be a call without tokens."""
    sent = span() | {"attributes": [{"key": "n", "value": {"intValue": "9" * 30}}, *attributes({"x": 1e300})]}
    found = decode_beside_good(sent, is_json=True).spans[0]
    assert found.attributes == {"n": 10**30 - 1, "x": 1e300}


def test_remarks_are_bounded() -> None:
    spans = [span(f"{number:016x}", parentSpanId=f"{number:016x}") for number in range(1, 500)]
    decoded = decode_traces(as_json(traces(*spans, GOOD)), is_json=True)
    assert len(decoded.spans) == 500
    assert len(decoded.remarks) == 100
    assert START
