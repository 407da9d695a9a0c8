"""The tree of a trace: every span once, sums that add up, in whatever order the spans come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.traces.stored_span import StoredSpan
from tally.traces.waterfall import build_waterfall, find_counted
from tests.every_case import every_case

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def span(number: int, parent: int = 0, at: float = 0, **changes: Any) -> StoredSpan:
    """A span of one second; a parent of 0 is none."""
    return replace(
        StoredSpan(
            "a" * 32,
            f"{number:016x}",
            f"{parent:016x}" if parent else "",
            START + timedelta(seconds=at or number),
            1_000_000,
            f"step {number}",
        ),
        **changes,
    )


def llm(number: int, parent: int = 0, tokens: int = 10, cost: str | None = "1", **changes: Any) -> StoredSpan:
    """A call of a model."""
    price = None if cost is None else Decimal(cost)
    return span(number, parent, kind="llm", is_call=True, input_tokens=tokens, cost_usd=price, **changes)


def shape(spans: list[StoredSpan]) -> list[tuple[int, int]]:
    """Numbers and depths from top to bottom."""
    return [(int(node.span.span_id, 16), node.depth) for node in build_waterfall(spans).nodes]


def test_children_follow_their_parents_by_start() -> None:
    spans = [span(1), span(2, 1, at=9), span(3, 1, at=5), span(4, 3, at=6)]
    assert shape(spans) == [(1, 0), (3, 1), (4, 2), (2, 1)]


def test_parents_carry_what_is_inside_them() -> None:
    waterfall = build_waterfall([span(1), llm(2, 1), span(3, 1), llm(4, 3, cost=None), llm(5, 3, cost="2")])
    sums = [(node.calls, node.unpriced, node.tokens, node.cost_usd) for node in waterfall.nodes]
    assert sums == [
        (3, 1, 30, Decimal(3)),
        (1, 0, 10, Decimal(1)),
        (2, 1, 20, Decimal(2)),
        (1, 1, 10, None),
        (1, 0, 10, Decimal(2)),
    ]


def test_missing_parents_and_cycles_are_shown_as_tops() -> None:
    spans = [span(1, 99), span(2, 2), span(3, 4), span(4, 3), span(5, 4)]
    assert shape(spans) == [(1, 0), (2, 0), (3, 0), (4, 1), (5, 2)]
    detached = [node.is_detached for node in build_waterfall(spans).nodes]
    assert detached == [True, False, True, False, False]


def test_a_deep_trace_is_no_deeper_than_python_allows() -> None:
    chain = [span(number, number - 1) for number in range(1, 5001)]
    nodes = build_waterfall([*chain[:-1], llm(5000, 4999)]).nodes
    assert (nodes[-1].depth, nodes[0].cost_usd) == (4999, Decimal(1))


def test_a_retry_is_linked_to_what_failed() -> None:
    failed = span(2, 1, name="decide", status="rate_limited")
    waterfall = build_waterfall([span(1), failed, span(3, 1, name="decide"), span(4, 1, name="decide")])
    assert [node.retry_of for node in waterfall.nodes] == ["", "", failed.span_id, ""]
    assert [node.is_retried for node in waterfall.nodes] == [False, True, False, False]
    assert (waterfall.errors, waterfall.retries) == (1, 1)


@every_case(
    [
        ([llm(1), llm(2, 1)], {2}),
        ([llm(1), span(2, 1), llm(3, 2), llm(4, 1)], {3, 4}),
        ([llm(1, request_id="a"), llm(2, 1, request_id="b")], {1, 2}),
        ([llm(1, request_id="a"), llm(2, 1)], {2}),
        ([llm(1, request_id="a"), llm(2, request_id="a", tokens=20)], {2}),
        ([llm(1, request_id="a", cost=None), llm(2, request_id="a")], {2}),
    ]
)
def test_each_call_counts_once(spans: list[StoredSpan], counted: set[int]) -> None:
    assert {int(one, 16) for one in find_counted(spans)} == counted


def test_a_trace_without_spans_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        build_waterfall([])


SPANS = st.lists(
    st.builds(
        lambda number, parent, at, is_call, tokens, cost, request, status: span(
            number,
            parent,
            at=at,
            is_call=is_call,
            input_tokens=tokens,
            cost_usd=cost,
            request_id=request,
            status=status,
            name=f"step {number % 3}",
        ),
        st.integers(1, 12),
        st.integers(0, 14),
        st.integers(1, 5),
        st.booleans(),
        st.integers(0, 5),
        st.none() | st.decimals(0, 9, places=2),
        st.sampled_from(["", "r1", "r2"]),
        st.sampled_from(["ok", "error"]),
    ),
    min_size=1,
    max_size=20,
)


@given(SPANS, st.data())
def test_every_span_is_shown_once_and_sums_add_up_in_any_order(
    spans: list[StoredSpan], data: st.DataObject
) -> None:
    waterfall = build_waterfall(spans)
    shuffled = build_waterfall(data.draw(st.permutations(spans)))
    assert shuffled == waterfall
    ids = [node.span.span_id for node in waterfall.nodes]
    assert sorted(ids) == sorted({one.span_id for one in spans})
    for place, node in enumerate(waterfall.nodes):
        assert node.parent is None or node.parent < place
        assert node.offset_us >= 0
    counted = waterfall.counted
    assert {one.span_id for one in counted} == find_counted(spans_of(waterfall))
    assert sum(root.tokens for root in waterfall.roots) == sum(one.tokens for one in counted)
    costs = [one.cost_usd for one in counted if one.cost_usd is not None]
    assert sum(root.cost_usd or 0 for root in waterfall.roots) == sum(costs)
    assert sum(waterfall.sum_models().values()) == sum(costs)
    assert all(node.cost_usd is None or node.calls > node.unpriced for node in waterfall.nodes)


def spans_of(waterfall: Any) -> list[StoredSpan]:
    """The spans that a waterfall shows."""
    return [node.span for node in waterfall.nodes]
