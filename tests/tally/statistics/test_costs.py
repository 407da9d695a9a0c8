"""Intervals of cost ratios cover the truth on skewed costs, and say when there are too few runs."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.statistics import Interval, Ratio, TooFew, compare_costs, compare_paired_costs
from tally.statistics.costs import cost_interval
from tally.statistics.samples import summarize

TRUE_RATIO = 0.62


def _generate(kind: str, random: np.random.Generator, count: int) -> np.ndarray:
    if kind == "gamma":
        return random.gamma(0.7, 1 / 0.7, count)
    if kind == "mixture":
        return np.where(random.random(count) < 0.9, 1, 10) * random.gamma(4, 0.25, count) / 1.9
    spread = float(kind)
    return random.lognormal(-spread * spread / 2, spread, count)


@pytest.mark.parametrize("kind", ["0.5", "1.0", "1.5", "gamma", "mixture"])
def test_ratio_covers_the_truth_at_the_fewest_runs(kind: str) -> None:
    random = np.random.default_rng(17)
    covered = 0
    for _ in range(800):
        ratio = compare_costs(_generate(kind, random, 30), TRUE_RATIO * _generate(kind, random, 30))
        assert isinstance(ratio, Ratio)
        covered += ratio.low <= TRUE_RATIO <= ratio.high
    assert 0.92 <= covered / 800 <= 0.98  # 93-97% with the noise of 800 trials; the bench is exact


@pytest.mark.parametrize(("kinds", "sizes"), [(("1.5", "0.5"), (30, 200)), (("mixture", "gamma"), (60, 400))])
def test_ratio_covers_the_truth_of_sides_that_differ_in_shape_and_size(
    kinds: tuple[str, str], sizes: tuple[int, int]
) -> None:
    random = np.random.default_rng(19)
    covered = 0
    for nth in range(800):
        sides = [_generate(kind, random, size) for kind, size in zip(kinds, sizes, strict=True)]
        base, other = sides if nth % 2 else reversed(sides)
        ratio = compare_costs(base, TRUE_RATIO * other)
        assert isinstance(ratio, Ratio)
        covered += ratio.low <= TRUE_RATIO <= ratio.high
    assert 0.92 <= covered / 800 <= 0.98


def test_mean_cost_of_one_side_covers_the_truth() -> None:
    random = np.random.default_rng(20)
    intervals = [cost_interval(summarize(_generate("1.5", random, 30))) for _ in range(800)]
    covered = sum(isinstance(each, Interval) and each.low <= 1 <= each.high for each in intervals)
    assert 0.92 <= covered / 800 <= 0.98
    assert cost_interval(summarize([0.0] * 30)) == Interval(0, 0, 0)
    assert isinstance(cost_interval(summarize([1.0] * 29)), TooFew)


def test_paired_ratio_covers_the_truth_and_is_narrower() -> None:
    random = np.random.default_rng(18)
    covered, widths = 0, []
    for _ in range(600):
        items = _generate("1.0", random, 50)
        base, other = items, TRUE_RATIO * items * random.lognormal(-0.02, 0.2, 50)
        paired, alone = compare_paired_costs(base, other), compare_costs(base, other)
        assert isinstance(paired, Ratio)
        assert isinstance(alone, Ratio)
        covered += paired.low <= TRUE_RATIO <= paired.high
        widths.append((paired.high - paired.low) / (alone.high - alone.low))
    assert 0.92 <= covered / 600 <= 0.98
    assert np.median(widths) < 0.3


def test_fewer_than_thirty_runs_are_too_few() -> None:
    result = compare_costs([1.0] * 30, [1.0] * 28)
    assert result == TooFew("30 and 28 runs, and each side needs 30")
    assert isinstance(compare_paired_costs([1.0] * 29, [1.0] * 29), TooFew)


def test_run_of_more_than_a_fifth_dominates_its_side() -> None:
    usual = [1.0, 2.0, 3.0] * 20
    dominated, calm = compare_costs(usual, [*usual, 40.0]), compare_costs(usual, [*usual, 4.0])
    assert isinstance(dominated, Ratio)
    assert isinstance(calm, Ratio)
    assert (dominated.is_dominated, calm.is_dominated) == (True, False)


def test_costs_of_nothing_have_no_ratio() -> None:
    result = compare_costs([0] * 40, [1] * 40)
    assert isinstance(result, TooFew)
    assert "add up to nothing" in result.reason


def test_equal_costs_have_an_exact_ratio() -> None:
    assert compare_costs([Decimal("0.1")] * 40, [Decimal("0.05")] * 30) == pytest.approx(
        (0.5, 0.5, 0.5, False)
    )


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        compare_costs([float("nan")] * 30, [1.0] * 30)
    with pytest.raises(ValueError, match="both sides"):
        compare_paired_costs([1.0] * 30, [1.0] * 31)


costs = st.lists(st.floats(0.001, 100), min_size=30, max_size=60)


@given(costs, costs, st.floats(0.01, 100))
def test_ratio_does_not_depend_on_the_currency(base: list[float], other: list[float], factor: float) -> None:
    one = compare_costs(base, other)
    converted = compare_costs([factor * cost for cost in base], [factor * cost for cost in other])
    assert converted[:3] == pytest.approx(one[:3], rel=1e-6)


@given(costs, costs)
def test_ratio_the_other_way_round_is_the_inverse(base: list[float], other: list[float]) -> None:
    there, back = compare_costs(base, other), compare_costs(other, base)
    assert isinstance(there, Ratio)
    assert isinstance(back, Ratio)
    assert (1 / back.estimate, 1 / back.high, 1 / back.low) == pytest.approx(there[:3], rel=1e-6)
    assert there.low <= there.estimate <= there.high


@given(costs, costs)
def test_a_smaller_alpha_makes_a_wider_interval(base: list[float], other: list[float]) -> None:
    usual, strict = compare_costs(base, other), compare_costs(base, other, 0.01)
    assert isinstance(usual, Ratio)
    assert isinstance(strict, Ratio)
    assert strict.low <= usual.low + 1e-12
    assert strict.high >= usual.high - 1e-12
