"""Student's t distribution and the normal distribution: probabilities and quantiles.

The t distribution by the incomplete beta function (Lentz's continued fraction), its quantile by bisection:
two functions are no reason to install a library of 100 MB.
"""

import math
from functools import lru_cache
from statistics import NormalDist

NORMAL = NormalDist()
TINY = 1e-300
STEPS = 300


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return NORMAL.inv_cdf(probability)


def t_probability(value: float, freedom: float) -> float:
    """Return the probability that a t variable is at most `value`."""
    tail = _incomplete_beta(freedom / (freedom + value * value), freedom / 2, 0.5) / 2
    return 1 - tail if value > 0 else tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """Return the value below which a t variable is with `probability`."""
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, 2.0
    while t_probability(high, freedom) < probability:
        low, high = high, high * 2
        if high > 1e12:
            return high
    for _ in range(60):
        middle = (low + high) / 2
        if t_probability(middle, freedom) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-10 * high:
            break
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(scale) * _continued_fraction(x, a, b) / a
    return 1 - math.exp(scale) * _continued_fraction(1 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for factor in (even, odd):
            d = 1 / _not_zero(1 + factor * d)
            c = _not_zero(1 + factor / c)
            result *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return result


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
