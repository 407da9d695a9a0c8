"""Verified savings: the interval covers the truth, the days needed are those that the noise asks for."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.advice.savings import AFTER_DAYS, LEAST_DAYS, ModelDay, needed_days, verify, verify_plan

START = date(2026, 5, 1)


def series(
    generator: np.random.Generator, days: int, unit: float, noise: float = 0.12, likeness: float = 0.2
) -> list[ModelDay]:
    """Days whose volume drifts and whose cost per request has noise that lasts a little."""
    error, found = 0.0, []
    trend = generator.uniform(-0.25, 0.25) / 30
    for n in range(days):
        error = likeness * error + math.sqrt(1 - likeness**2) * generator.normal(0, noise)
        weekend = 0.4 if (START + timedelta(n)).weekday() > 4 else 1.0
        requests = 1 + int(200 * weekend * math.exp(trend * n) * generator.lognormal(0, 0.2))
        cost = requests * unit * math.exp(error)
        found.append(ModelDay(START + timedelta(n), "model", cost, requests))
    return found


def covers(seed: int, share: float = 0.3) -> bool:
    """Check one simulated change against its planted saving."""
    generator = np.random.default_rng(seed)
    before, after = series(generator, 56, 0.01), series(generator, 28, 0.01 * (1 - share))
    found = verify(before, after, 20.0)
    paid = sum(day.cost_usd for day in after) / 28 * 30.4
    truth = paid / (1 - share) - paid
    assert found.low_usd is not None
    assert found.high_usd is not None
    return found.low_usd <= truth <= found.high_usd


def test_interval_covers_the_planted_saving() -> None:
    covered = sum(map(covers, range(400)))
    assert 0.93 * 400 <= covered <= 0.99 * 400


@pytest.mark.parametrize(
    ("share", "estimate", "state"), [(0.3, 18.0, "verified"), (0.3, 90.0, "partly"), (-0.4, 18.0, "worse")]
)
def test_verdict_compares_with_the_estimate(share: float, estimate: float, state: str) -> None:
    generator = np.random.default_rng(1)
    before, after = series(generator, 56, 0.01), series(generator, 56, 0.01 * (1 - share))
    assert verify(before, after, estimate).state == state


def test_no_effect_is_no_saving() -> None:
    states = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        before, after = series(generator, 56, 0.01), series(generator, 56, 0.01)
        states.append(verify(before, after, 18.0).state)
    assert states.count("none") >= 36


def test_a_change_is_measured_until_its_noise_allows_a_verdict() -> None:
    generator = np.random.default_rng(3)
    before, after = series(generator, 56, 0.01, noise=0.3), series(generator, 8, 0.007, noise=0.3)
    found = verify(before, after, 5.0)
    assert found.state == "measuring"
    assert found.needed_days > found.days == 8


def test_days_needed_match_the_measured_ones() -> None:
    assert needed_days(0.12, 0.20, 56) == LEAST_DAYS
    assert needed_days(0.3, 0.3, 56) == LEAST_DAYS < needed_days(0.3, 0.2, 56) < AFTER_DAYS
    assert needed_days(0.6, 0.1, 56) == AFTER_DAYS


@given(st.floats(0.01, 1), st.floats(0.01, 0.9), st.integers(7, 56))
def test_more_noise_never_needs_fewer_days(noise: float, share: float, before: int) -> None:
    assert needed_days(noise, share, before) <= needed_days(noise * 1.5, share, before)
    assert needed_days(noise, share, before) >= needed_days(noise, min(0.95, share * 1.2), before)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
def test_price_mix_and_volume_add_up_to_the_change(seed: int, growth: float) -> None:
    generator = np.random.default_rng(seed)
    before = series(generator, 20, 0.02)
    after = [
        ModelDay(day.day, model, day.cost_usd * factor, max(1, int(day.requests * growth * part)))
        for day in series(generator, 20, 0.02)
        for model, factor, part in (("model", 0.5, 0.4), ("new", 0.2, 0.6))
    ]
    found = verify(before, after, 10.0)
    assert found.price_usd is not None
    assert found.mix_usd is not None
    assert found.volume_usd is not None
    change = (sum(day.cost_usd for day in after) - sum(day.cost_usd for day in before)) / 20 * 30.4
    assert found.price_usd + found.mix_usd + found.volume_usd == pytest.approx(change, rel=1e-6, abs=1e-9)


def test_a_jump_of_requests_gives_both_numbers() -> None:
    before = [ModelDay(START + timedelta(n), "m", 10.0 + n % 2, 100) for n in range(30)]
    after = [ModelDay(START + timedelta(40 + n), "m", 10.0 + n % 2, 200) for n in range(30)]
    found = verify(before, after, 100.0)
    assert found.month_usd == pytest.approx(10.5 * 30.4, rel=0.01)
    assert found.before_volume_usd == pytest.approx(10.5 * 30.4 / 2, rel=0.01)


def test_a_bought_plan_saves_what_it_covers_less_its_price() -> None:
    worth = [10.0 + n % 3 for n in range(30)]
    found = verify_plan(worth, 200.0, 130.0)
    assert found.state == "verified"
    assert found.month_usd == pytest.approx(11 * 30.4 - 200)
    assert found.since_usd == pytest.approx(330 - 200 * 30 / 30.4)
    assert found.low_usd is not None
    assert found.high_usd is not None
    assert found.low_usd < 11 * 30.4 - 200 < found.high_usd
    assert verify_plan(worth, 200.0, 900.0).state == "partly"
    assert verify_plan([1.0, 2.0] * 15, 200.0, 100.0).state == "worse"
    assert verify_plan(worth[:27], 200.0, 130.0).state == "measuring"
