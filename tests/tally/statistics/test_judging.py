"""Verdicts on variants, alone and several at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.statistics import Claim, adjust, compare_costs, compare_rates, judge
from tally.statistics.judging import Kind


def _costs(seed: int, count: int, mean: float = 1.0) -> np.ndarray:
    return mean * np.random.default_rng(seed).lognormal(-0.125, 0.5, count)


def _claim(mean: float, passed: int | None = 540, runs: int = 600) -> Claim:
    quality = None if passed is None else lambda alpha: compare_rates(540, 600, passed, runs, alpha)
    return Claim(lambda alpha: compare_costs(_costs(1, 600), _costs(2, runs, mean), alpha), quality, 0.05)


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        (_claim(0.6), Kind.CHEAPER),
        (_claim(0.6, passed=None), Kind.CHEAPER),
        (_claim(0.6, passed=525), Kind.CHEAPER_UNPROVEN),
        (_claim(0.6, passed=480), Kind.WORSE),
        (_claim(1.5), Kind.DEARER),
        (_claim(1.0), Kind.CANNOT_TELL),
        (_claim(0.6, passed=27, runs=29), Kind.TOO_FEW),
    ],
)
def test_verdict_follows_costs_and_quality(claim: Claim, kind: Kind) -> None:
    assert judge([claim])[0].kind == kind


def test_one_dominating_run_withholds_the_verdict_and_says_so() -> None:
    costs = [*_costs(3, 600, 0.5), 1000.0]
    verdict = judge([Claim(lambda alpha: compare_costs(_costs(1, 600), costs, alpha))])[0]
    assert verdict.kind == Kind.TOO_FEW
    assert verdict.reason == "one run is more than a fifth of the cost of its side"


def test_holm_adjusts_as_published() -> None:
    assert adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_values_keep_their_order_and_never_shrink(values: list[float]) -> None:
    adjusted = adjust(values)
    assert all(value <= new <= 1 for value, new in zip(values, adjusted, strict=True))
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [adjusted[index] for index in order] == sorted(adjusted)


def test_holm_holds_back_what_one_comparison_alone_would_claim() -> None:
    base = _costs(1, 60)

    def claim(seed: int) -> Claim:
        return Claim(lambda alpha: compare_costs(base, _costs(seed, 60, 0.83), alpha))

    alone = [seed for seed in range(2, 40) if judge([claim(seed)])[0].kind == Kind.CHEAPER]
    together = [each.kind for each in judge([claim(seed) for seed in range(2, 40)])].count(Kind.CHEAPER)
    assert alone
    assert together < len(alone)
