"""Keys that no program has used for long: nothing is saved, but a key that is gone cannot be stolen."""

from collections.abc import Iterator

from tally.advice.facts import Facts
from tally.advice.findings import NOTHING, Advice

IDLE_DAYS = 60


def find(facts: Facts) -> Iterator[Advice]:
    """Keys that could be revoked."""
    for key in facts.idle_keys:
        yield Advice(
            "idle_key",
            {"key_id": key.id, "name": key.name},
            NOTHING.mid,
            NOTHING,
            "high",
            "measured",
            {"since": key.since.isoformat(), "was_used": key.was_used},
            person_id=key.person_id,
        )
