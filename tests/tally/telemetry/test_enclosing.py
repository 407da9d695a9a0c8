"""Calls take the agent, the tool and the task of the spans around them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.calls import Call
from tally.telemetry.counting import choose_calls, key_of
from tally.telemetry.enclosing import NO_NAMES, Names, merge_names, name_step
from tally.telemetry.known_calls import pack_call, unpack_call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import read_span
from tests.every_case import every_case
from tests.tally.telemetry.test_counting import AT, TRACE, make_call, without_usage

LATER = AT + timedelta(seconds=1)


def step(name: str = "work", **attributes: Any) -> Span:
    """A span that is no call."""
    told = {key.replace("__", "."): value for key, value in attributes.items()}
    return Span(TRACE, "a" * 16, "", name, 1, AT, LATER, "ok", "", "app", told, {})


def labels(call: Call) -> Names:
    return Names(call.agent, call.tool, call.task)


def only(calls: list[Call], parents: dict[str, str], names: dict[str, Names]) -> Names:
    [counted] = choose_calls(calls, parents, names).counted
    return labels(counted)


@every_case(
    [
        (step(gen_ai__agent__name="shop", gen_ai__operation__name="invoke_agent"), Names("shop")),
        (step(gen_ai__tool__name="search"), Names(tool="search")),
        (step(ai__toolCall__name="search"), Names(tool="search")),
        (step(traceloop__workflow__name="triage"), Names(task="triage")),
        (
            step(traceloop__span__kind="agent", traceloop__entity__name="planner"),
            Names("planner"),
        ),
        (step(traceloop__span__kind="tool", traceloop__entity__name="search"), Names(tool="search")),
        (step("search", openinference__span__kind="TOOL"), Names(tool="search")),
        (step("planner", langfuse__observation__type="agent"), Names("planner")),
        (step("Agent workflow", openinference__span__kind="AGENT"), NO_NAMES),
        (step("Helper", openinference__span__kind="AGENT", agent__name="Helper"), Names("Helper")),
        (step(http__request__method="GET"), NO_NAMES),
        (step(gen_ai__agent__name=7.5, gen_ai__tool__name=["x"]), Names("7.5")),
        (step(gen_ai__agent__name="unknown"), NO_NAMES),
        (step(gen_ai__agent__name="x" * 999), Names("x" * 200)),
    ]
)
def test_span_gives_the_names_that_it_tells(span: Span, names: Names) -> None:
    assert name_step(span) == names


def test_nearest_name_counts_for_each_of_the_three() -> None:
    parents = {"call": "tool", "tool": "inner", "inner": "outer"}
    names = {
        "tool": Names(tool="search"),
        "inner": Names("researcher"),
        "outer": Names("boss", "delegate", "report"),
    }
    assert only([make_call("call", "tool")], parents, names) == ("researcher", "search", "report")


def test_name_of_the_call_itself_goes_before() -> None:
    names = {"outer": Names("boss", "delegate")}
    assert only([make_call("call", "outer", agent="own")], {"call": "outer"}, names) == (
        "own",
        "delegate",
        "",
    )


def test_name_of_a_span_around_goes_before_that_of_the_program() -> None:
    names, parents = {"outer": Names("boss"), "inner": NO_NAMES}, {"call": "inner", "inner": "outer"}
    of_program = {"agent": "app", "task": "nightly", "of_program": ("agent", "task")}
    assert only([make_call("call", "inner", **of_program)], parents, names) == ("boss", "", "nightly")
    assert only([make_call("call", "inner", **of_program)], parents, {}) == ("app", "", "nightly")
    assert only([make_call("call", "inner", **of_program | {"of_program": ("task",)})], parents, names) == (
        "app",
        "",
        "nightly",
    )


@pytest.mark.parametrize(
    ("attributes", "expected"), [({}, ("agent",)), ({"gen_ai.agent.name": "app"}, ())], ids=["silent", "own"]
)
def test_call_knows_which_names_are_those_of_its_program(
    attributes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    usage: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 1,
    }
    span = replace(step(), attributes=usage | attributes, resource={"gen_ai.agent.name": "app"})
    call = read_span(span)
    assert call is not None
    assert (call.agent, call.of_program) == ("app", expected)
    assert unpack_call(pack_call(call)) == call


def test_name_of_the_program_of_a_call_around_is_no_name_of_a_span() -> None:
    """Both calls are of one program; the agent around them is nearer than it."""
    of_program = {"agent": "app", "of_program": ("agent",)}
    calls = [
        make_call("call", "around", request_ids=("chatcmpl-123456",), **of_program),
        make_call("around", "outer", request_ids=("chatcmpl-654321",), **of_program),
    ]
    parents = {"call": "around", "around": "outer"}
    found = choose_calls(calls, parents, {"outer": Names("boss")}).counted
    assert [call.agent for call in found] == ["boss", "boss"]


def test_name_that_one_statement_tells_goes_before_that_of_the_program_of_a_better_one() -> None:
    ids: dict[str, Any] = {"request_ids": ("chatcmpl-123456",)}
    calls = [
        make_call("one", agent="app", of_program=("agent",), detail=9, **ids),
        make_call("two", agent="own", **ids),
    ]
    assert only(calls, {}, {}).agent == "own"


def test_call_around_gives_its_names_though_it_does_not_count() -> None:
    calls = [without_usage("outer", "", agent="boss", tool="search"), make_call("inner", "outer")]
    assert only(calls, {}, {}) == ("boss", "search", "")


def test_event_of_a_log_takes_the_names_of_its_span() -> None:
    event = replace(make_call("", "span", "req_00000001"), span_id="")
    assert only([event], {}, {"span": Names("shop")}) == ("shop", "", "")


def test_event_that_is_known_by_what_it_says_says_nothing_else() -> None:
    event = make_call("", "span", service="shop")
    [counted] = choose_calls([event], {}, {"span": Names("other")}).counted
    assert (counted, key_of(counted)) == (event, key_of(event))


def test_names_of_one_instrument_are_those_of_the_call_that_another_tells_better() -> None:
    app = make_call("app", "agent", "msg_00000001")
    gateway = replace(make_call("gw", "", "msg_00000001", has_all_classes=True), trace_id="c" * 32)
    for calls in ([app, gateway], [gateway, app]):
        assert only(calls, {"app": "agent"}, {"agent": Names("shop")}) == ("shop", "", "")


@pytest.mark.parametrize("depth", [1, 20_000])
def test_name_is_found_however_deep_the_call_is(depth: int) -> None:
    parents = {f"s{n}": f"s{n + 1}" for n in range(depth)}
    calls = [make_call("s0", "s1"), *(make_call(f"c{n}", "s0") for n in range(50))]
    names = {f"s{depth}": Names("root")}
    counted = choose_calls(calls, parents, names).counted
    assert {call.agent for call in counted} == {"root"}


def test_span_that_is_its_own_ancestor_ends_the_line() -> None:
    parents = {"call": "a", "a": "b", "b": "a", "own": "own"}
    names = {"a": Names("in a circle"), "b": Names(tool="in a circle")}
    assert only([make_call("call", "a")], parents, names) == ("in a circle", "", "")


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.builds(Names, *[st.sampled_from(["", "x", "y"])] * 3))),
    st.randoms(use_true_random=False),
)
def test_names_of_a_span_do_not_depend_on_their_order(told: list[tuple[str, Names]], chance: Any) -> None:
    shuffled = chance.sample(told, len(told))
    half = len(told) // 2
    assert merge_names(merge_names({}, shuffled[:half]), shuffled[half:]) == merge_names({}, told)
