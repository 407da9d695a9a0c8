"""Experiments of an account, with runs that were brought."""

from decimal import Decimal
from typing import Any

import numpy as np

from app import data
from app.auth.identity import User
from tally.experiments.sent import SentRun, SentScore

SPREAD = 0.5


def add_experiment(user: User, **details: Any) -> str:
    """Start an experiment with the variants A and B; returns its id."""
    variants = [
        {"name": "A", "is_baseline": True, "match": {"model": "gpt-5.2"}},
        {"name": "B", "match": {"model": "gpt-5.2-mini"}},
    ]
    given = {"name": "Refunds", "question": "Can refunds move?", "primary_score": "correct", "min_runs": 30}
    return data.save_experiment(user, given | {"status": "running", "variants": variants} | details)


def bring(user: User, experiment: str, variant: str, count: int, mean: float, passed: int | None) -> None:
    """Bring runs of a variant; the first of them passed, and None leaves all without a score."""
    costs = mean * np.random.default_rng(len(variant) + count).lognormal(-(SPREAD**2) / 2, SPREAD, count)
    runs = [
        SentRun(
            variant=variant,
            session=f"{variant}-{nth}",
            cost_usd=Decimal(f"{cost:.6f}"),
            input_tokens=900,
            output_tokens=100,
            calls=2,
            latency_ms=1500,
            scores=[] if passed is None else [SentScore(name="correct", value=Decimal(nth < passed))],
        )
        for nth, cost in enumerate(costs)
    ]
    data.bring_runs(user, experiment, runs)
