"""The choice of what counts, on made-up traces."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.calls import Call
from tally.telemetry.counting import Choice, choose_calls, key_of

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
TRACE = "5b8efff798038103d269b633813fc60c"


def make_call(span_id: str = "", parent: str = "", *ids: str, **fields: object) -> Call:
    usual: dict[str, object] = {
        "timestamp": AT,
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "request_ids": ids,
        "input_tokens": 100,
        "output_tokens": 10,
        "has_usage": True,
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": parent,
    }
    return Call(**(usual | fields))  # type: ignore[arg-type]


def without_usage(span_id: str, parent: str = "", *ids: str, **fields: object) -> Call:
    return make_call(
        span_id, parent, *ids, **({"input_tokens": 0, "output_tokens": 0, "has_usage": False} | fields)
    )


def spans(choice: Choice) -> set[str]:
    return {call.span_id for call in choice.counted}


def test_calls_beside_each_other_count_each() -> None:
    assert spans(choose_calls([make_call("a", "r"), make_call("b", "r")], {})) == {"a", "b"}


def test_one_response_counts_once_over_traces() -> None:
    """An application's instrument and the SDK's own see one response, each in a trace of its own."""
    told = make_call("a", "", "msg_00000001", has_cache_detail=True, cached_input_tokens=50)
    other = replace(make_call("b", "", "msg_00000001", "req_00000001"), trace_id="c" * 32, detail=99)
    choice = choose_calls([other, told], {})
    (counted,) = choice.counted
    assert (counted.span_id, counted.cached_input_tokens) == ("a", 50)
    assert counted.request_ids == ("msg_00000001", "req_00000001")
    assert choice.dropped == [other]


def test_ids_join_statements_in_a_row() -> None:
    """A log knows the request, another instrument the message, and the SDK both."""
    of_log = make_call("", "x", "req_00000001", agent="claude-code")
    of_message, of_sdk = (
        make_call("a", "", "msg_00000001"),
        make_call("b", "", "msg_00000001", "req_00000001"),
    )
    (counted,) = choose_calls([of_log, of_message, of_sdk], {}).counted
    assert counted.request_ids == ("msg_00000001", "req_00000001")
    assert counted.agent == "claude-code"


def test_gateway_and_application_count_once() -> None:
    """The gateway invents an id for its client; the provider's is inside."""
    application = make_call("app", "", "chatcmpl-1b2c3d4e")
    gateway = make_call("gateway", "app", "chatcmpl-1b2c3d4e", reported_usd=None, key_name="web")
    provider = make_call("sdk", "gateway", "msg_00000001")
    (counted,) = choose_calls([application, gateway, provider], {}).counted
    assert counted.span_id == "sdk"


def test_innermost_of_calls_without_ids_counts() -> None:
    """Spans between them need not be calls, nor in the same request."""
    calls = [make_call("outer", "root"), make_call("inner", "step")]
    choice = choose_calls(calls, {"outer": "root", "step": "outer", "inner": "step"})
    assert spans(choice) == {"inner"}
    assert [call.span_id for call in choice.dropped] == ["outer"]


def test_innermost_call_takes_the_id_that_the_one_around_it_alone_tells() -> None:
    """A log of the agent knows the call by this id: without it, the two would be two calls."""
    outer, mid = make_call("a", "", "msg_00000001"), make_call("b", "a")
    [counted] = choose_calls([outer, mid, make_call("c", "b", input_tokens=7)], {}).counted
    assert (counted.span_id, counted.request_ids) == ("c", ("msg_00000001",))
    assert key_of(counted) == key_of(outer)


@pytest.mark.parametrize(
    "inner",
    [
        [make_call("b", "a"), make_call("c", "a")],  # one of them, but which?
        [make_call("b", "a", output_tokens=9)],  # another call
        [make_call("b", "a", "resp_00000001")],  # has an id of its own
    ],
)
def test_id_of_a_call_around_others_is_not_guessed(inner: list[Call]) -> None:
    counted = choose_calls([make_call("a", "", "msg_00000001"), *inner], {}).counted
    assert {each.span_id: each.request_ids for each in counted} == {
        each.span_id: each.request_ids for each in inner
    }


def test_all_calls_inside_an_outer_one_count() -> None:
    calls = [make_call("outer"), make_call("a", "outer"), make_call("b", "outer")]
    assert spans(choose_calls(calls, {})) == {"a", "b"}


def test_two_responses_of_one_provider_are_two_calls_even_inside_each_other() -> None:
    """A program that reads a stream calls another model before the stream's span ends."""
    calls = [make_call("outer", "", "msg_00000001"), make_call("inner", "outer", "msg_00000002")]
    assert spans(choose_calls(calls, {})) == {"outer", "inner"}


def test_same_span_in_other_traces_is_another_call() -> None:
    other = replace(make_call("inner", "outer"), trace_id="c" * 32)
    assert len(choose_calls([make_call("outer"), other], {}).counted) == 2


def test_request_that_is_sent_again_counts_once() -> None:
    call = make_call("a")
    assert choose_calls([call, call, call], {}).counted == [call]


def test_event_without_ids_that_is_sent_again_counts_once() -> None:
    event = make_call(channel="codex", session="s1")
    later = replace(event, timestamp=AT + timedelta(milliseconds=1))
    assert len(choose_calls([event, event, later], {}).counted) == 2


def test_event_inside_the_span_of_its_call_counts_once() -> None:
    assert choose_calls([make_call("chat"), make_call("", "chat")], {}).counted == [make_call("", "chat")]


def test_call_without_usage_is_a_request_unless_others_tell_more() -> None:
    alone = without_usage("alone")
    assert choose_calls([alone], {}).counted == [alone]
    assert spans(choose_calls([without_usage("outer"), make_call("inner", "outer")], {})) == {"inner"}
    assert spans(choose_calls([make_call("outer"), without_usage("inner", "outer")], {})) == {"outer"}
    assert spans(choose_calls([without_usage("outer"), without_usage("inner", "outer")], {})) == {"inner"}


def test_failed_attempts_inside_a_call_are_requests() -> None:
    attempts = [without_usage("first", "outer", status="error"), without_usage("second", "outer")]
    assert spans(choose_calls([make_call("outer"), *attempts], {})) == {"outer", "first"}


def test_request_without_usage_never_stands_for_one_with_usage() -> None:
    silent, telling = without_usage("a", "", "msg_00000001"), make_call("a", "", "msg_00000001")
    assert key_of(silent) != key_of(telling)
    assert choose_calls([silent, telling], {}).counted == [telling]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_spans_in_a_circle_count_each(size: int) -> None:
    names = [f"s{number}" for number in range(size)]
    parents = dict(zip(names, [*names[1:], names[0]], strict=True))
    calls = [make_call(name, parent) for name, parent in parents.items()]
    assert spans(choose_calls(calls, parents)) == set(names)


def test_calls_that_are_inside_each_other_in_two_traces_are_not_lost() -> None:
    def place(name: str, trace: str, *ids: str, parent: str = "") -> Call:
        return replace(make_call(name, parent, *ids), trace_id=trace)

    calls = [
        place("a", "1" * 32, "one-id-0001"),
        place("b", "1" * 32, "two-id-0002", parent="a"),
        place("c", "2" * 32, "two-id-0002"),
        place("d", "2" * 32, "one-id-0001", parent="c"),
    ]
    assert len(choose_calls(calls, {}).counted) == 1


def test_long_chain_of_spans_is_quick() -> None:
    """The work grows with the spans, not with their square: 20,000 would take minutes."""
    parents = {f"s{number}": f"s{number + 1}" for number in range(20_000)}
    calls = [make_call(f"s{number}", f"s{number + 1}") for number in range(0, 20_000, 5)]
    assert spans(choose_calls(calls, parents)) == {"s0"}


@st.composite
def traces(draw: st.DrawFn) -> tuple[list[Call], dict[str, str]]:
    """Statements in a forest of spans, with ids that several may share."""
    count = draw(st.integers(1, 9))
    parents = {
        f"s{number}": f"s{draw(st.integers(0, number - 1))}"
        for number in range(1, count)
        if draw(st.booleans())
    }
    calls = []
    for number in range(count):
        span_id, ids = f"s{number}", [f"msg_{draw(st.integers(1, 4)):08d}"] if draw(st.booleans()) else []
        make = make_call if draw(st.integers(0, 3)) else without_usage
        calls.append(
            make(
                span_id,
                parents.get(span_id, ""),
                *ids,
                detail=draw(st.integers(0, 3)),
                status=draw(st.sampled_from(["ok", "error"])),
                session=draw(st.sampled_from(["", "one", "two"])),
            )
        )
    return calls, parents


def shuffled(calls: Sequence[Call], seed: int) -> list[Call]:
    return random.Random(seed).sample(calls, len(calls))


@given(traces(), st.integers())
def test_order_and_repetition_make_no_difference(trace: tuple[list[Call], dict[str, str]], seed: int) -> None:
    calls, parents = trace
    counted = choose_calls(calls, parents).counted
    assert choose_calls(shuffled(calls + calls, seed), parents).counted == counted


@given(traces())
def test_each_statement_counts_or_is_dropped_and_something_counts(
    trace: tuple[list[Call], dict[str, str]],
) -> None:
    calls, parents = trace
    choice = choose_calls(calls, parents)
    assert len(choice.counted) + len(choice.dropped) == len(calls)
    assert choice.counted
    assert any(call.has_usage for call in choice.counted) == any(call.has_usage for call in calls)


@given(traces())
def test_each_id_and_each_span_counts_at_most_once(trace: tuple[list[Call], dict[str, str]]) -> None:
    counted = choose_calls(*trace).counted
    ids = [each for call in counted for each in call.request_ids]
    assert len(ids) == len(set(ids))
    assert len({key_of(call) for call in counted}) == len(counted)
