"""Prepaid credits: no dollar is lost, the soonest to expire go first, the end is told with its range."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.credits import SHAPES, UNBOUND, cover
from tally.ledger.credits import Purchase, calculate_balance, forecast_end
from tally.ledger.pace import find_pace

FIRST = date(2026, 1, 1)
cents = st.integers(0, 100_000).map(lambda value: Decimal(value) / 100)
days = st.integers(0, 60).map(lambda number: FIRST + timedelta(days=number))
purchases = st.lists(
    st.tuples(days, cents, st.none() | st.integers(0, 40)).map(
        lambda p: Purchase(p[0], p[1], None if p[2] is None else p[0] + timedelta(days=p[2]))
    ),
    min_size=1,
    max_size=5,
)


@given(purchases, st.dictionaries(days, cents, max_size=40))
def test_every_dollar_bought_is_used_expired_or_left(
    bought: list[Purchase], usage: dict[date, Decimal]
) -> None:
    today = FIRST + timedelta(days=60)
    balance = calculate_balance(bought, usage, today)
    start = min(each.bought_on for each in bought)
    used = sum((usd for day, usd in usage.items() if day >= start), Decimal(0))
    paid = used - balance.overdrawn
    assert sum(each.amount_usd for each in bought) == paid + balance.expired + balance.left
    assert min(balance.left, balance.expired, balance.overdrawn, paid) >= 0


def test_soonest_to_expire_is_used_first() -> None:
    bought = [Purchase(FIRST, Decimal(50)), Purchase(FIRST, Decimal(50), FIRST + timedelta(days=9))]
    balance = calculate_balance(bought, {FIRST: Decimal(60)}, FIRST + timedelta(days=9))
    assert balance.left == 40
    assert balance.expired == 0
    late = calculate_balance(bought, {FIRST + timedelta(days=9): Decimal(30)}, FIRST + timedelta(days=9))
    assert late.left == 50
    assert late.expired == 20


def test_credits_are_usable_through_their_last_day() -> None:
    last = FIRST + timedelta(days=3)
    balance = calculate_balance([Purchase(FIRST, Decimal(5), last)], {last: Decimal(5)}, last)
    assert balance.expired == 0
    assert balance.overdrawn == 0
    before = calculate_balance([Purchase(FIRST, Decimal(5), last)], {}, last - timedelta(days=1))
    assert before.find_expiry() == (last, Decimal(5))


def test_refund_of_credits_lowers_the_balance() -> None:
    bought = [Purchase(FIRST, Decimal(50)), Purchase(FIRST + timedelta(days=1), Decimal(-20))]
    assert calculate_balance(bought, {}, FIRST + timedelta(days=2)).left == 30


def test_steady_usage_ends_on_its_day_within_a_day() -> None:
    today = FIRST + timedelta(days=30)
    usage = {FIRST + timedelta(days=n): Decimal(10) for n in range(30)}
    balance = calculate_balance([Purchase(FIRST, Decimal(350))], usage, today)
    outlook = forecast_end(balance, usage, today)
    assert (outlook.reason, outlook.daily_usd, outlook.counted_days) == ("", Decimal(10), 30)
    assert outlook.end == outlook.early == today + timedelta(days=4)
    assert outlook.late is not None
    assert outlook.late <= today + timedelta(days=5)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - set(UNBOUND)))
def test_true_end_is_in_the_range_in_eight_of_ten_trials(shape: str) -> None:
    covered = cover(SHAPES[shape], np.random.default_rng(3), (28, 14), 60)
    assert covered >= 0.7
    if shape == "even":  # its range is a day or two, and days are whole
        return
    assert covered <= 0.97


def test_new_level_is_the_pace_before_a_month_is_over() -> None:
    pace = find_pace([10.0] * 56 + [30.0] * 14)
    assert 25 < pace.level <= 30
    assert pace.step_variance > find_pace([10.0] * 70).step_variance


def test_uneven_usage_has_a_range_around_its_end() -> None:
    today = FIRST + timedelta(days=30)
    usage = {FIRST + timedelta(days=n): Decimal(20 * (n % 2)) for n in range(30)}
    balance = calculate_balance([Purchase(FIRST, Decimal(500))], usage, today)
    outlook = forecast_end(balance, usage, today)
    found = [day for day in (outlook.early, outlook.end, outlook.late) if day]
    assert found == sorted(set(found))
    assert len(found) == 3


def test_expiry_ends_credits_that_usage_would_not() -> None:
    today = FIRST + timedelta(days=30)
    usage = {FIRST + timedelta(days=n): Decimal(1) for n in range(30)}
    bought = [Purchase(FIRST, Decimal(1_000), today + timedelta(days=5))]
    outlook = forecast_end(calculate_balance(bought, usage, today), usage, today)
    assert outlook.end == today + timedelta(days=5)


def test_reasons_why_no_end_is_told() -> None:
    today = FIRST + timedelta(days=30)
    bought = [Purchase(FIRST, Decimal(1_000_000))]

    def reason(purchases: list[Purchase], usage: dict[date, Decimal], day: date = today) -> str:
        return forecast_end(calculate_balance(purchases, usage, day), usage, day).reason

    assert reason(bought, {}) == "unused"
    assert reason(bought, {FIRST: Decimal(1)}, FIRST + timedelta(days=3)) == "few days"
    assert reason([Purchase(FIRST, Decimal(1))], {FIRST: Decimal(2)}) == "empty"
    assert reason(bought, {FIRST + timedelta(days=n): Decimal(1) for n in range(30)}) == "far"
