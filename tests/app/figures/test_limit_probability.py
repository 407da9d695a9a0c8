"""The probability of exceeding a limit and the likeliest day, from a distribution."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.limit_probability import (
    calculate_limit_probability,
    format_probability,
    read_distribution,
)
from tally.core.exceeding import Distribution, calculate_probability, find_likeliest_day
from tally.core.quantile_levels import LEVELS
from tests.every_case import every_case

FIRST = date(2026, 11, 21)
MONEY = st.decimals(-100, 10_000, places=2)  # credits may be more than the spend
DISTRIBUTIONS = st.lists(MONEY, min_size=23, max_size=23).map(
    lambda amounts: Distribution(LEVELS, sorted(amounts))
)
EVEN = Distribution(LEVELS, [Decimal(str(100 * level)) for level in LEVELS])  # 1% for each dollar
EACH_DAY = {FIRST + timedelta(days=n): 1.0 for n in range(10)}


@given(DISTRIBUTIONS, st.lists(MONEY, min_size=2, max_size=2), MONEY)
def test_probability_falls_as_the_limit_rises(
    distribution: Distribution, limits: list[Decimal], spent: Decimal
) -> None:
    lower, upper = sorted(limits)
    falling = [calculate_probability(distribution, limit, spent) for limit in (lower, upper)]
    assert 1 >= falling[0] >= falling[1] >= 0


def test_credits_alone_exceed_nothing() -> None:
    credits_alone = Distribution(LEVELS, [Decimal(-2)] * 22 + [Decimal("-1.99")])
    assert calculate_probability(credits_alone, Decimal("0.01"), Decimal(-2)) == 0


@given(DISTRIBUTIONS, MONEY, st.decimals(0, 100, places=2))
def test_spent_limit_is_certainly_exceeded(distribution: Distribution, limit: Decimal, more: Decimal) -> None:
    assert calculate_probability(distribution, limit, limit + more) == 1


@given(DISTRIBUTIONS, MONEY, MONEY, st.lists(st.floats(0, 1e6), min_size=1, max_size=31))
def test_likeliest_day_is_among_the_remaining_days(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: list[float]
) -> None:
    days = {FIRST + timedelta(days=n): amount for n, amount in enumerate(predicted)}
    outcome = calculate_limit_probability(distribution, limit, spent, days)
    if spent < limit < distribution.amounts[-1]:
        assert outcome.day in days
    else:
        assert outcome.day is None


def test_probability_is_interpolated_between_levels() -> None:
    assert calculate_probability(EVEN, Decimal("72.5"), Decimal(0)) == pytest.approx(0.275)
    assert calculate_probability(EVEN, Decimal(1000), Decimal(0)) < 0.01
    assert calculate_probability(EVEN, Decimal("0.5"), Decimal(0)) == pytest.approx(0.995)


def test_spend_so_far_raises_the_probability() -> None:
    assert calculate_probability(EVEN, Decimal(80), Decimal(60)) == pytest.approx(0.5)


def test_exactly_known_total_exceeds_a_limit_or_not() -> None:
    known = Distribution(LEVELS, [Decimal(20)] * len(LEVELS))
    assert calculate_probability(known, Decimal(20), Decimal(0)) == 0
    assert format_probability(calculate_probability(known, Decimal("19.99"), Decimal(0))) == ">99%"


def test_likeliest_day_is_when_most_outcomes_exceed_the_limit() -> None:
    sure = Distribution((0.1, 0.5, 0.9), [Decimal(99), Decimal(100), Decimal(101)])
    assert find_likeliest_day(sure, Decimal(45), Decimal(0), EACH_DAY) == FIRST + timedelta(days=4)
    late = dict.fromkeys(EACH_DAY, 0.0) | {FIRST + timedelta(days=7): 5.0}
    assert find_likeliest_day(sure, Decimal(45), Decimal(0), late) == FIRST + timedelta(days=7)
    assert find_likeliest_day(sure, Decimal(102), Decimal(0), EACH_DAY) is None
    assert find_likeliest_day(sure, Decimal(45), Decimal(0), {}) is None


@every_case(
    [(0, "<1%"), (0.009, "<1%"), (0.12, "12%"), (0.5, "50%"), (0.99, "99%"), (0.991, ">99%"), (1, "100%")]
)
def test_uncertain_probability_is_never_0_or_100_percent(probability: float, text: str) -> None:
    assert format_probability(probability) == text


def test_total_without_quantiles_is_read_from_its_ranges() -> None:
    names = ("lower_bound_95", "lower_bound_80", "predicted_cost_usd", "upper_bound_80", "upper_bound_95")
    total = dict(zip(names, map(Decimal, (50, 60, 70, 80, 95)), strict=True)) | {"quantiles": None}
    assert calculate_probability(read_distribution(total), Decimal(75), Decimal(0)) == pytest.approx(0.3)


def test_credits_beyond_the_spend_are_below_every_outcome() -> None:
    from_nothing = Distribution(LEVELS, [Decimal(nth) for nth in range(len(LEVELS))])
    assert calculate_probability(from_nothing, Decimal(-1), Decimal(-5)) == 1
    assert 0 < calculate_probability(from_nothing, Decimal(20), Decimal(-5)) < 1
