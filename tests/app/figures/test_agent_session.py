"""A session of an agent: value so far, gaps beyond the cache's life and their cost, cleared contexts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.agent_session import Session, read_session
from app.figures.currencies import Currency
from tally.currency.rates import Rates
from tests.every_case import every_case

START = datetime(2026, 11, 17, 14, 2, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def request(minutes: float, context: int, cached: int = 0, **changes: Any) -> dict[str, Any]:
    """A request of Opus, so many minutes after the start, that wrote to the cache what was not in it."""
    return {
        "at": (START + timedelta(minutes=minutes)).isoformat(),
        "agent": "claude-code",
        "repository": "shop",
        "branch": "main",
        "provider": "claude-desktop",
        "model_name": "claude-opus-4-5",
        "is_included": True,
        "cost_usd": "1",
        "input_tokens": context,
        "output_tokens": 0,
        "cached_input_tokens": cached,
        "cache_write_tokens": context - cached,
        "hour_write_tokens": 0,
        "requests": 1,
        "priced_by": None,
    } | changes


def read(*rows: dict[str, Any], **changes: Any) -> Session:
    """A session of these requests."""
    answer = {
        "requests": len(rows),
        "records": len(rows),
        "first_at": rows[0]["at"],
        "last_at": rows[-1]["at"],
        "cost_usd": "0",
        "included_usd": str(len(rows)),
        "unpriced": 0,
        "has_traces": False,
        "rows": rows,
    }
    return read_session("s", answer | changes, Currency(), UTC_ZONE)


def test_money_of_more_requests_than_are_shown_has_the_rate_of_each_day() -> None:
    rates = Rates([(date(2026, 11, 17), "USD", Decimal(2)), (date(2026, 11, 18), "USD", Decimal(4))])
    days = [["2026-11-17", "8", "2"], ["2026-11-18", "8", "0"]]
    answer = {"records": 2, "requests": 2, "unpriced": 0, "days": days, "rows": [request(0, 10)]}
    answer |= {"has_traces": False, "first_at": START.isoformat(), "last_at": START.isoformat()}
    money = read_session("s", answer, Currency("EUR", rates), UTC_ZONE).money
    assert (money.paid, money.included) == (Decimal(6), Decimal(1))


def test_a_gap_costs_what_is_written_again_and_could_have_been_read() -> None:
    """Opus: cache read $0.50 and cache write $6.25 for a million; the context was all of the cost."""
    again = request(12, 100_000, cost_usd=str(Decimal("0.1") * Decimal("6.25")))
    session = read(request(0, 80_000), again)
    [gap] = session.gaps
    assert (gap.nth, gap.lost, gap.pause) == (2, 80_000, timedelta(minutes=12))
    assert gap.extra == pytest.approx(Decimal("0.08") * (Decimal("6.25") - Decimal("0.5")))
    assert session.lost == gap.extra


def test_a_multiplied_price_multiplies_what_a_gap_costs() -> None:
    usual = read(request(0, 80_000), request(12, 80_000, cost_usd="0.5")).lost
    assert read(request(0, 80_000), request(12, 80_000, cost_usd="1")).lost == pytest.approx(2 * usual)


@every_case(
    [
        ("within five minutes", request(5, 80_000)),
        ("read from the cache", request(12, 81_000, cached=80_000)),
        ("another model", request(12, 80_000, model_name="claude-sonnet-4-5")),
        ("too small to be cached", request(12, 900)),
    ]
)
def test_what_is_no_gap_costs_nothing(name: str, second: dict[str, Any]) -> None:
    assert read(request(0, 80_000), second).gaps == [], name


def test_what_was_written_for_an_hour_lasts_an_hour() -> None:
    first = request(0, 80_000, hour_write_tokens=80_000)
    assert read(first, request(50, 80_000)).gaps == []
    assert len(read(first, request(61, 80_000)).gaps) == 1


def test_a_gap_before_a_model_without_a_price_has_no_cost() -> None:
    session = read(request(0, 80_000, model_name="x"), request(12, 80_000, model_name="x"))
    assert [gap.extra for gap in session.gaps] == [None]
    assert session.lost == 0


def test_an_included_request_without_a_price_has_no_value() -> None:
    session = read(request(0, 10, cost_usd=None), request(1, 10))
    assert [row.value for row in session.rows] == [None, Decimal(1)]
    assert (session.money.unpriced, session.money.value) == (1, Decimal(1))


def test_a_context_that_stays_small_was_cleared() -> None:
    rows = [
        request(nth, size) for nth, size in enumerate([30_000, 50_000, 9_000, 10_000, 11_000, 12_000, 60_000])
    ]
    assert [row.nth for row in read(*rows).rows if row.is_cleared] == [3]


def test_one_small_request_between_large_ones_clears_nothing() -> None:
    rows = [request(nth, size) for nth, size in enumerate([30_000, 50_000, 9_000, 52_000, 53_000])]
    assert not any(row.is_cleared for row in read(*rows).rows)


def test_figures_of_a_cut_session_count_all_of_it() -> None:
    days = [["2026-11-17", "1", "7"], ["2026-11-18", "1", "0"]]
    session = read(request(0, 10), records=9, requests=9, days=days, unpriced=3)
    assert (session.money.value, session.money.paid, session.money.unpriced) == (Decimal(9), Decimal(2), 3)


def test_hostile_conditions_of_a_price_are_none() -> None:
    odd = [{"tier": ["x"], "context": "x"}, {"tier": "huge", "context": {"speed": 5}}, "x", [], 3]
    rows = [request(nth, 10, priced_by=told) for nth, told in enumerate(odd)]
    assert [row.conditions.tier for row in read(*rows).rows] == ["request"] * 5


@given(
    st.lists(
        st.tuples(st.floats(0, 90), st.integers(1, 200_000), st.floats(0, 1), st.decimals(0, 9, places=2)),
        min_size=1,
        max_size=20,
    )
)
def test_value_grows_to_the_sum_and_gaps_cost_no_more_than_their_requests(
    found: list[tuple[float, int, float, Decimal]],
) -> None:
    at, rows = 0.0, []
    for pause, context, share, cost in found:
        at += pause
        rows.append(request(at, context, int(context * share), cost_usd=str(cost)))
    session = read(*rows)
    values = [row.so_far for row in session.rows]
    assert values == sorted(values)
    assert values[-1] == session.money.value == sum(cost for *_, cost in found)
    for gap in session.gaps:
        row = session.rows[gap.nth - 1]
        assert gap.extra is not None
        assert 0 <= gap.extra <= row.money.value
        assert gap.lost <= row.counts.input_tokens - row.counts.cached
