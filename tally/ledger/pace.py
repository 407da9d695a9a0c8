"""The pace of daily spend: its level now, the noise of single days, and how fast the level itself moves.

A local level model: each day is the level and noise, and the level takes a random step a day. Days that were
independent would tell sums far too exactly, as people take up and leave off work for weeks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

WEEK = 7
PRIOR_STEP = 0.03  # of the level, a day: what is assumed before weeks tell
PRIOR_WEEKS = 3  # that this assumption is worth
LEAST_NOISE = 0.2  # of the noise that is measured: some of it is never a movement of the level


@dataclass(frozen=True, slots=True)
class Pace:
    """The level of daily spend with its variance, and those of a day and of the level's daily step."""

    level: float
    level_variance: float
    day_variance: float
    step_variance: float

    def deviation(self, days: int) -> float:
        """The standard deviation of the sum over the next days."""
        of_steps = self.step_variance * days * (days + 1) * (2 * days + 1) / 6
        return math.sqrt(self.level_variance * days * days + of_steps + self.day_variance * days)


def find_pace(spent: Sequence[float]) -> Pace:
    """The pace of at least a week of days, the newest last."""
    recent = spent[-4 * WEEK :]
    mean = fmean(recent)
    day_variance, step_variance = _split_variance(spent, mean)
    level = fmean(spent[:WEEK])
    variance = day_variance / WEEK + WEEK * step_variance
    for each in spent[WEEK:]:
        variance += step_variance
        gain = variance / (variance + day_variance) if variance else 0.0
        level += gain * (each - level)
        variance *= 1 - gain
    return Pace(max(level, mean / 20), variance, day_variance, step_variance)


def _split_variance(spent: Sequence[float], mean: float) -> tuple[float, float]:
    """The variances of a day and of a step, by the moments of days and of weeks."""
    recent = spent[-4 * WEEK :]
    spread = sum((each - mean) ** 2 for each in recent) / (len(recent) - 1)
    count = len(spent)
    # Days a week apart differ by the noise of both and by seven steps, and by no weekday.
    apart = [(spent[place] - spent[place - WEEK]) ** 2 for place in range(WEEK, count)]
    of_days = fmean(apart) / 2 if len(apart) >= 2 * WEEK else spread
    weeks = [fmean(spent[count - WEEK * (nth + 1) : count - WEEK * nth]) for nth in range(count // WEEK)]
    moves = [(newer - older) ** 2 for newer, older in pairwise(weeks)]
    step = prior = (PRIOR_STEP * mean) ** 2
    if len(moves) > 1:
        found = max(0.0, (fmean(moves) - 2 / WEEK * of_days) * 3 / 11)
        step = (len(moves) * found + PRIOR_WEEKS * prior) / (len(moves) + PRIOR_WEEKS)
    noise = max(of_days - WEEK / 2 * step, LEAST_NOISE * of_days)
    return max(spread, noise), step
