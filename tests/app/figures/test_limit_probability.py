"""The chance of passing a limit and the likeliest day, from a distribution."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.limit_probability import (
    Distribution,
    calculate_chance,
    calculate_passing,
    find_day,
    format_chance,
    read_distribution,
    round_limit,
)
from tally.core.quantile_levels import LEVELS

FIRST = date(2026, 11, 21)
MONEY = st.decimals(0, 10_000, places=2)
DISTRIBUTIONS = st.lists(MONEY, min_size=23, max_size=23).map(
    lambda amounts: Distribution(LEVELS, sorted(amounts))
)
EVEN = Distribution(LEVELS, [Decimal(str(100 * level)) for level in LEVELS])  # 1% for each dollar
EACH_DAY = {FIRST + timedelta(days=n): 1.0 for n in range(10)}


@given(DISTRIBUTIONS, st.lists(MONEY, min_size=2, max_size=2), MONEY)
def test_the_chance_falls_as_the_limit_rises(
    distribution: Distribution, limits: list[Decimal], spent: Decimal
) -> None:
    lower, upper = sorted(limits)
    rising = [calculate_chance(distribution, limit, spent) for limit in (lower, upper)]
    assert 1 >= rising[0] >= rising[1] >= 0


@given(DISTRIBUTIONS, MONEY, st.decimals(0, 100, places=2))
def test_what_is_spent_already_is_certain(distribution: Distribution, limit: Decimal, more: Decimal) -> None:
    assert calculate_chance(distribution, limit, limit + more) == 1


@given(DISTRIBUTIONS, MONEY, MONEY, st.lists(st.floats(0, 1e6), min_size=1, max_size=31))
def test_the_day_lies_among_those_that_are_left(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: list[float]
) -> None:
    days = {FIRST + timedelta(days=n): amount for n, amount in enumerate(predicted)}
    passing = calculate_passing(distribution, limit, spent, days)
    if spent < limit < distribution.amounts[-1]:
        assert passing.day in days
    else:
        assert passing.day is None


def test_the_chance_is_read_between_the_levels() -> None:
    assert calculate_chance(EVEN, Decimal("72.5"), Decimal(0)) == pytest.approx(0.275)
    assert calculate_chance(EVEN, Decimal(1000), Decimal(0)) < 0.01
    assert calculate_chance(EVEN, Decimal("0.5"), Decimal(0)) == pytest.approx(0.995)


def test_what_is_spent_already_makes_a_higher_total_likelier() -> None:
    assert calculate_chance(EVEN, Decimal(80), Decimal(60)) == pytest.approx(0.5)


def test_a_total_that_is_known_exactly_passes_or_does_not() -> None:
    known = Distribution(LEVELS, [Decimal(20)] * len(LEVELS))
    assert calculate_chance(known, Decimal(20), Decimal(0)) == 0
    assert format_chance(calculate_chance(known, Decimal("19.99"), Decimal(0))) == ">99%"


def test_the_likeliest_day_is_the_one_most_outcomes_pass_on() -> None:
    sure = Distribution((0.1, 0.5, 0.9), [Decimal(99), Decimal(100), Decimal(101)])
    assert find_day(sure, Decimal(45), Decimal(0), EACH_DAY) == FIRST + timedelta(days=4)
    late = dict.fromkeys(EACH_DAY, 0.0) | {FIRST + timedelta(days=7): 5.0}
    assert find_day(sure, Decimal(45), Decimal(0), late) == FIRST + timedelta(days=7)
    assert find_day(sure, Decimal(102), Decimal(0), EACH_DAY) is None
    assert find_day(sure, Decimal(45), Decimal(0), {}) is None


@pytest.mark.parametrize(
    ("chance", "said"),
    [(0, "<1%"), (0.009, "<1%"), (0.12, "12%"), (0.5, "50%"), (0.99, "99%"), (0.991, ">99%"), (1, "100%")],
)
def test_a_chance_is_said_as_people_say_it(chance: float, said: str) -> None:
    assert format_chance(chance) == said


def test_a_total_from_before_distributions_is_read_from_its_ranges() -> None:
    names = ("lower_bound_95", "lower_bound_80", "predicted_cost_usd", "upper_bound_80", "upper_bound_95")
    total = dict(zip(names, map(Decimal, (50, 60, 70, 80, 95)), strict=True)) | {"quantiles": None}
    assert calculate_chance(read_distribution(total), Decimal(75), Decimal(0)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("amount", "limit"), [("95", "100"), ("0.31", "0.4"), ("1000", "1000"), ("1001", "1250"), ("84.2", "100")]
)
def test_a_round_limit_is_at_or_above_the_amount(amount: str, limit: str) -> None:
    assert round_limit(Decimal(amount)) == Decimal(limit)


def test_nothing_to_come_has_no_round_limit() -> None:
    assert round_limit(Decimal(0)) is None
