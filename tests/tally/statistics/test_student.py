"""Student's t agrees with published tables."""

import pytest

from tally.statistics.student import normal_quantile, t_probability, t_quantile

TABLE = [  # quantile, degrees of freedom, value
    (0.975, 3, 3.182446), (0.975, 10, 2.228139), (0.975, 29, 2.045230), (0.975, 100, 1.983972),
    (0.975, 1000, 1.962339), (0.995, 30, 2.749996), (0.9, 5, 1.475884), (0.9995, 12, 4.317791),
]  # fmt: skip


def test_quantiles_are_those_of_the_table() -> None:
    found = [t_quantile(probability, freedom) for probability, freedom, _ in TABLE]
    assert found == pytest.approx([value for *_, value in TABLE], abs=2e-6)
    assert t_quantile(0.025, 10) == -t_quantile(0.975, 10)


def test_probability_inverts_the_quantile() -> None:
    for freedom in (1, 2.5, 30, 400):
        for probability in (0.001, 0.3, 0.5, 0.8, 0.999):
            assert t_probability(t_quantile(probability, freedom), freedom) == pytest.approx(
                probability, abs=1e-8
            )


def test_many_degrees_of_freedom_are_normal() -> None:
    assert t_quantile(0.975, 1e7) == pytest.approx(normal_quantile(0.975), abs=1e-5)
