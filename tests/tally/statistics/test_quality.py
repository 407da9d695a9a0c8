"""Differences of quality: Newcombe's and Welch's intervals, power, and the runs that are needed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.statistics import (
    Interval,
    TooFew,
    calculate_power,
    compare_means,
    compare_paired_means,
    compare_rates,
    needed_runs,
    needed_runs_of_means,
)


def test_rates_are_compared_as_newcombe_published() -> None:
    # Newcombe 1998, table II, method 10, example a: 56/70 - 48/80.
    assert compare_rates(48, 80, 56, 70) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_rates_of_few_runs_are_too_few() -> None:
    assert isinstance(compare_rates(20, 29, 30, 30), TooFew)
    with pytest.raises(ValueError, match="can pass"):
        compare_rates(31, 30, 1, 30)


def test_equal_variant_passes_at_the_needed_runs_and_a_worse_one_seldom() -> None:
    random = np.random.default_rng(5)
    needed = needed_runs(0.9, 0.05)
    equal = worse = 0
    for _ in range(2000):
        base, same, lower = random.binomial(needed, [0.9, 0.9, 0.85])
        one, two = compare_rates(base, needed, same, needed), compare_rates(base, needed, lower, needed)
        assert isinstance(one, Interval)
        assert isinstance(two, Interval)
        equal += one.low > -0.05
        worse += two.low > -0.05
    assert equal / 2000 >= 0.78  # 80% with the noise of 2,000 trials
    assert worse / 2000 <= 0.035


def test_needed_runs_are_the_fewest_with_the_power() -> None:
    for rate, margin in ((0.9, 0.05), (0.5, 0.1), (0.97, 0.03)):
        needed = needed_runs(rate, margin)
        assert calculate_power(rate, margin, needed) >= 0.8
        assert calculate_power(rate, margin, int(needed * 0.9)) < 0.8


def test_needed_runs_shrink_with_the_margin_and_never_below_thirty() -> None:
    counts = [needed_runs(0.9, margin) for margin in (0.01, 0.02, 0.05, 0.1, 0.5)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 30
    assert needed_runs_of_means(1.0, 0.2) == 393
    with pytest.raises(ValueError, match="margin"):
        needed_runs(0.9, 0)


def test_certain_rates_need_runs_as_well() -> None:
    assert 30 <= needed_runs(1.0, 0.05) < needed_runs(0.9, 0.05)
    assert needed_runs(0.0, 0.05) == needed_runs(1.0, 0.05)


def test_ratings_are_covered_and_paired_ones_narrower() -> None:
    random = np.random.default_rng(6)
    covered, narrower = 0, 0
    for _ in range(600):
        base, other = random.binomial(4, 0.8, 40) + 1.0, random.binomial(4, 0.7, 40) + 1.0
        difference = compare_means(base, other)
        assert isinstance(difference, Interval)
        covered += difference.low <= -0.4 <= difference.high
        paired = compare_paired_means(base, base - (random.random(40) < 0.4))
        unpaired = compare_means(base, base - (random.random(40) < 0.4))
        assert isinstance(paired, Interval)
        assert isinstance(unpaired, Interval)
        narrower += paired.high - paired.low < unpaired.high - unpaired.low
    assert 0.92 <= covered / 600 <= 0.98
    assert narrower > 550


@given(st.integers(30, 500), st.integers(30, 500), st.data())
def test_difference_of_rates_is_symmetric_and_within_bounds(
    base: int, other: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, base)), data.draw(st.integers(0, other))
    there, back = (
        compare_rates(passed[0], base, passed[1], other),
        compare_rates(passed[1], other, passed[0], base),
    )
    assert isinstance(there, Interval)
    assert isinstance(back, Interval)
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high))
    assert -1 <= there.low <= there.estimate <= there.high <= 1
