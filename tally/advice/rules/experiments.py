"""Experiments that were decided for a cheaper variant: the rest of their calls could follow."""

from collections.abc import Iterator

from tally.advice.facts import Facts
from tally.advice.findings import TO_MONTH, Advice, Saving

DECIDED_DAYS = 90


def find(facts: Facts) -> Iterator[Advice]:
    """Decisions whose calls still run as before."""
    for one in facts.decided:
        low, mid, high = one.saving
        current = one.matched_usd * TO_MONTH
        if low <= 0 or high > current:
            continue
        models = {"model": one.model, "to_model": one.to_model} if one.model and one.to_model else {}
        subject = {
            "experiment_id": one.id,
            "name": one.name,
            "variant": one.variant,
            "baseline": one.baseline,
        }
        if one.project_id:
            subject["project_id"] = one.project_id
        yield Advice(
            "experiment",
            subject | {key: str(value) for key, value in models.items()},
            current,
            Saving.between(low, high, mid),
            "high",
            "measured",
            {"sentence": one.sentence},
            ("All calls of the baseline can be done as in the experiment.",),
            project_id=one.project_id,
        )
