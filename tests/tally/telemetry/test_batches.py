"""Bodies that are no OTLP: Langfuse's batches of events and LiteLLM's payloads."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.core.encoding import canonical_decimal
from tally.telemetry.enclosing import Names, Step
from tally.telemetry.known_calls import pack_call, unpack_call
from tally.telemetry.records import make_record
from tally.telemetry.signals import Undecodable
from tally.telemetry.vocabularies.langfuse_batch import Ingested, read_batch
from tally.telemetry.vocabularies.litellm_payload import read_payloads
from tests.every_case import every_case

USAGE = {"input": 1_000, "output": 50}


def event(kind: str, timestamp: str = "10", **body: Any) -> dict[str, Any]:
    at = f"2026-11-28T02:38:{timestamp}.000Z"
    return {"id": f"event {kind} {timestamp}", "type": kind, "timestamp": at, "body": body}


CREATED = event(
    "generation-create",
    id="g",
    traceId="t",
    model="gpt-4o",
    input="hi",
    startTime="2026-11-28T02:38:10.000Z",
)
UPDATED = event(
    "generation-update",
    "12",
    id="g",
    traceId="t",
    usage=USAGE,
    output="Hello",
    endTime="2026-11-28T02:38:12Z",
)
TRACE = event("trace-create", id="t", userId="u1", sessionId="s1", tags=["red"], input="hi")


def ingest(*events: Any) -> Ingested:
    return read_batch(json.dumps({"batch": events}).encode())


def test_observation_is_one_call_out_of_its_events() -> None:
    batch = ingest(UPDATED, TRACE, CREATED)
    (call,) = batch.calls
    assert (call.model, call.input_tokens, call.output_tokens, call.duration_ms) == (
        "gpt-4o",
        1_000,
        50,
        2_000,
    )
    assert (call.trace_id, call.span_id, call.session, call.person) == ("t", "g", "s1", "u1")
    assert call.tags == {"red": ""}
    assert sorted(batch.accepted) == sorted(each["id"] for each in (UPDATED, TRACE, CREATED))
    assert batch.refused == []
    assert "Hello" not in repr(batch)


@given(st.permutations([CREATED, UPDATED, TRACE, event("span-create", id="s", traceId="t")]))
def test_order_of_events_makes_no_difference(events: list[dict[str, Any]]) -> None:
    assert ingest(*events).calls == ingest(CREATED, UPDATED, TRACE).calls


def test_update_that_tells_no_usage_is_no_call() -> None:
    later = event("generation-update", id="g", traceId="t", output="Hello")
    assert ingest(later) == Ingested([], {}, {}, [later["id"]], [])


def test_generation_around_another_is_known() -> None:
    inner = event("generation-create", id="i", parentObservationId="g", model="gpt-4o", usageDetails=USAGE)
    assert ingest(CREATED, inner).parents == {"i": "g"}


def test_agents_and_tools_of_langfuse_name_the_calls_inside_them() -> None:
    agent = event("agent-create", id="a", traceId="t", name="buyer")
    tool = event("observation-create", id="o", traceId="t", type="TOOL", name="look", parentObservationId="a")
    other = event("span-create", id="s", traceId="t", name="step", parentObservationId="o")
    assert ingest(agent, tool, other).steps == {
        ("t", "a"): Step("", Names("buyer")),
        ("t", "o"): Step("a", Names(tool="look")),
    }


@every_case(
    [
        (bad,)
        for bad in [
            *(None, 7, {}, {"id": "x"}, {"id": "x", "type": "generation-create"}),
            {"id": "x", "type": "generation-create", "body": []},
            event("generation-create", model="gpt-4o"),
            event("generation-create", id="n", usage={"input": -1}),
            {"id": "x", "type": "generation-create", "timestamp": "1970", "body": {"id": "y"}},
        ]
    ]
)
def test_bad_event_is_refused_with_a_sentence_and_the_rest_is_kept(bad: object) -> None:
    batch = ingest(bad, CREATED, UPDATED)
    assert [call.span_id for call in batch.calls] == ["g"]
    ((_, sentence),) = batch.refused
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert len(batch.accepted) == 2


@every_case([(body,) for body in [b"[]", b"{}", b"7", b"x", b'{"batch": 7}']])
def test_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable, match=r"The body is "):
        read_batch(body)


def payload(**fields: Any) -> dict[str, Any]:
    usual = {
        "id": "chatcmpl-00000001",
        "litellm_call_id": "call",
        "call_type": "acompletion",
        "status": "success",
        "model": "gpt-4o",
        "custom_llm_provider": "openai",
        "startTime": 1_795_833_497.0,
        "endTime": 1_795_833_498.5,
        "completionStartTime": 1_795_833_497.25,
        "prompt_tokens": 1_200,
        "completion_tokens": 50,
        "messages": [{"content": "the secret plan"}],
        "response": {"content": "the secret plan"},
    }
    return usual | fields


def test_payloads_are_read_in_every_format() -> None:
    several = [payload(), payload(id="chatcmpl-00000002")]
    as_array = json.dumps(several).encode()
    as_lines = b"\n".join(json.dumps(each).encode() for each in several)
    found = read_payloads(as_array)
    assert len(found.calls) == 2
    assert read_payloads(as_lines) == found
    assert read_payloads(json.dumps(several[0]).encode()).calls == found.calls[:1]
    assert "secret" not in repr(found)


def test_payload_tells_times_people_and_keys() -> None:
    metadata = {"user_api_key_alias": "web", "user_api_key_user_id": "u1", "user_api_key_team_alias": "red"}
    body = payload(metadata=metadata, request_tags=["night"], end_user="bob")
    (call,) = read_payloads(json.dumps(body).encode()).calls
    assert (call.duration_ms, call.first_token_ms) == (1_500, 250)
    assert (call.key_name, call.person, call.end_user) == ("web", "u1", "bob")
    assert call.tags == {"night": "", "team": "red"}


def test_failed_payload_is_a_call_without_usage() -> None:
    failed = payload(
        status="failure",
        prompt_tokens=0,
        completion_tokens=0,
        error_information={"error_code": "429", "error_class": "RateLimitError"},
    )
    (call,) = read_payloads(json.dumps(failed).encode()).calls
    assert (call.status, call.error_code, call.has_usage) == ("rate_limited", "RateLimitError", False)


def test_answer_of_the_cache_used_nothing_and_tells_what_it_saved() -> None:
    (call,) = read_payloads(json.dumps(payload()).encode()).calls
    (answer,) = read_payloads(json.dumps(payload(cache_hit=True, saved_cache_cost=0.25)).encode()).calls
    record, saved = make_record(call), make_record(answer)
    assert (saved.cost_usd, saved.tokens_used, saved.request_id) == (Decimal(0), 0, None)
    assert saved.source_key != record.source_key
    assert saved.request_count == 1
    assert saved.metadata["cache_hit"] is True
    assert saved.metadata["cache_saved_usd"] == canonical_decimal(record.cost_usd or Decimal(1))
    assert "inference" not in saved.metadata
    assert unpack_call(json.loads(json.dumps(pack_call(answer)))) == answer


def test_answer_of_the_cache_without_a_list_price_takes_what_it_tells() -> None:
    for told, saved in ((0.25, "0.25"), (None, None), (-1, None)):
        sent = payload(cache_hit=True, saved_cache_cost=told, model="engine-9000", custom_llm_provider="acme")
        found = read_payloads(json.dumps(sent).encode())
        assert [make_record(call).metadata.get("cache_saved_usd") for call in found.calls] == [saved], told


@every_case(
    [(bad,) for bad in [7, None, payload(endTime=7), payload(endTime="x"), payload(prompt_tokens=-1)]]
)
def test_bad_payload_is_refused_with_a_sentence_and_the_rest_is_kept(bad: object) -> None:
    found = read_payloads(json.dumps([bad, payload()]).encode())
    assert len(found.calls) == 1
    (sentence,) = found.rejected
    assert sentence.startswith("The call “")
    assert sentence.endswith(".")


def test_line_that_is_no_json_is_refused_alone() -> None:
    body = json.dumps(payload()).encode() + b"\n{broken\n"
    found = read_payloads(body)
    assert (len(found.calls), len(found.rejected)) == (1, 1)
