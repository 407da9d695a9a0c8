"""Figures of versions: moments from exact sums, intervals, and what is certain."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.prompts.figures import compare_versions, find_news, read_figures
from tally.statistics.costs import compare_costs
from tally.statistics.intervals import Interval, Ratio, TooFew
from tally.statistics.samples import summarize

FIRST = date(2026, 5, 11)
START = datetime(2026, 5, 11, tzinfo=UTC)


def describe(
    number: int | None, costs: list[Decimal], prompt: str = "refund", **changes: Any
) -> dict[str, Any]:
    """A version as the database describes it."""
    powers = [str(sum(cost**power for cost in costs)) for power in range(1, 5)]
    return {
        "prompt": prompt,
        "number": number,
        "told": "",
        "calls": len(costs),
        "records": len(costs),
        "cost_usd": str(sum(costs)),
        "priced": len(costs),
        "unpriced": 0,
        "tokens": 10 * len(costs),
        "input_tokens": 10 * len(costs),
        "output_tokens": 0,
        "errors": 0,
        "costs": len(costs),
        "most_usd": str(max(costs)) if costs else None,
        "usd_powers": powers,
        "sizes": 0,
        "most_tokens": None,
        "token_powers": [None] * 4,
        "timed": 0,
        "latency_ms": None,
        "first_at": (START + timedelta(days=number or 0)).isoformat(),
        "last_at": START.isoformat(),
        "model_name": "gpt-5",
    } | changes


def figures_of(*versions: dict[str, Any], **others: Any) -> Any:
    """Figures with these versions."""
    return read_figures(
        FIRST, FIRST + timedelta(days=2), {"versions": versions, "days": [], "before": []} | others
    )


COSTS = st.lists(st.decimals("0.0001", "3", places=6), min_size=2, max_size=60)


@given(costs=COSTS)
def test_moments_of_exact_sums_are_those_of_the_values(costs: list[Decimal]) -> None:
    [one] = figures_of(describe(1, costs)).versions
    expected = summarize(costs)
    for name in ("runs", "mean", "variance", "largest_share"):
        assert getattr(one.costs, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-15)
    if expected.variance > (1e-4 * expected.mean) ** 2:
        assert one.costs.skewness == pytest.approx(expected.skewness, rel=1e-6, abs=1e-6)
        assert one.costs.excess_kurtosis == pytest.approx(expected.excess_kurtosis, rel=1e-6, abs=1e-6)


def test_versions_are_compared_as_their_calls_are() -> None:
    base = [Decimal(n % 7 + 1) / 100 for n in range(200)]
    other = [cost * Decimal("0.8") for cost in base[:90]]
    found = figures_of(describe(7, base), describe(8, other))
    ratio = compare_versions(*found.versions)
    expected = compare_costs(base, other)
    assert isinstance(ratio, Ratio)
    assert isinstance(expected, Ratio)
    assert ratio == pytest.approx(expected, rel=1e-9)


def test_news_are_certain_and_the_newest() -> None:
    base = [Decimal(n % 7 + 1) / 100 for n in range(200)]
    cheaper = [cost * Decimal("0.5") for cost in base]
    assert find_news(figures_of(describe(1, base), describe(2, base))) is None
    assert find_news(figures_of(describe(1, base), describe(2, cheaper[:20]))) is None
    found = find_news(
        figures_of(
            describe(1, base), describe(2, cheaper), describe(4, base, "draft"), describe(5, cheaper, "draft")
        )
    )
    assert found is not None
    assert [one.name for one in found[:2]] == ["v4", "v5"]
    assert found[2].estimate == pytest.approx(0.5)


def test_too_few_calls_have_no_interval() -> None:
    costs = [Decimal(n) for n in range(1, 30)]
    [few] = figures_of(describe(1, costs, timed=29, latency_ms=[1, 2, 3, 4])).versions
    for interval in (few.cost_interval, few.token_interval, few.latency_interval, few.error_interval):
        assert isinstance(interval, TooFew)
    [enough] = figures_of(
        describe(1, [*costs, Decimal(30)], timed=30, latency_ms=[1, 2, 3, 4], errors=3)
    ).versions
    assert isinstance(enough.cost_interval, Interval)
    assert enough.cost_interval.low < 15.5 < enough.cost_interval.high
    assert enough.latency_interval == Interval(2, 1, 3)
    assert enough.error_interval.estimate == pytest.approx(0.1)


def test_days_without_calls_have_no_cost() -> None:
    days = [
        {"prompt": "refund", "number": None, "told": None, "day": "2026-05-12", "calls": 3, "cost_usd": "0.9",
         "priced": 2}
    ]  # fmt: skip
    found = figures_of(describe(1, [Decimal(1)]), days=days)
    assert found.costs_by_day("refund") == [None, Decimal("0.45"), None]
    assert found.sum_up()["refund"].usd_per_call == 1
