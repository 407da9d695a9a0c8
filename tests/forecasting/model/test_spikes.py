"""Spikes: found in public series where they were injected, rare elsewhere, and bounded for any history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench import spikes
from bench.measurement import Options
from forecasting.model.level import Array
from forecasting.model.spikes import MIN_RATIO, find_spikes

WEEK = np.array([8.0, 8, 8, 8, 8, 2, 2])


def test_spike_is_measured_against_its_weekday() -> None:
    y = np.resize(WEEK, 84)
    y[33] = 8.0  # a Saturday that costs as much as a workday
    assert [spike.day for spike in find_spikes(y)] == [33]
    assert find_spikes(y)[0].usual == pytest.approx(2, abs=0.6)
    y[33], y[30] = 2.0, 12.0  # a Wednesday at 1.5 times the usual
    assert find_spikes(y) == []


def test_new_level_is_no_spike() -> None:
    assert find_spikes(np.r_[np.full(60, 2.0), np.full(40, 20.0)]) == []


def test_dearest_spike_comes_first() -> None:
    y = np.full(120, 3.0)
    y[20], y[60], y[100] = 30, 90, 60
    assert [spike.day for spike in find_spikes(y)] == [60, 100, 20]


def test_short_or_nearly_empty_history_has_none() -> None:
    assert find_spikes(np.r_[np.ones(25), 50.0]) == []
    assert find_spikes(np.r_[np.zeros(60), 50.0, np.zeros(30)]) == []


@given(st.integers(1, 150).flatmap(lambda days: arrays(float, days, elements=st.floats(0, 1e8))))
def test_spikes_of_any_history_are_several_times_the_usual(y: Array) -> None:
    found = find_spikes(y, min_excess=1.0)
    assert all(spike.amount >= max(MIN_RATIO * spike.usual, spike.usual + 1) for spike in found)
    assert all(spike.usual < spike.upper <= spike.amount for spike in found)
    excess = [spike.amount - spike.usual for spike in found]
    assert excess == sorted(excess, reverse=True)


def test_injected_spikes_are_found_and_other_days_are_rarely_flagged() -> None:
    assert [each.name for each in spikes.measure(Options()) if not each.holds] == []
