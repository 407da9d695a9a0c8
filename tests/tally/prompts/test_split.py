"""Splits: the same key always gets the same version, by the shares."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tally.prompts.split import SLOTS, Slots, choose_version

PROMPT = "9b2f3a54-0a3c-4c76-8a3f-d5a4b9f5d6a1"
KEYS = [f"user-{n}" for n in range(100_000)]
THREE: Slots = {2: [[0, 1_250]], 7: [[1_250, 4_000], [6_750, 10_000]], 9: [[4_000, 6_750]]}


def split(slots: Slots, keys: list[str], environment: str = "production") -> list[int]:
    """The versions of keys."""
    return [choose_version(slots, PROMPT, environment, key) for key in keys]


def test_shares_are_met_within_one_percent_over_100_000_keys() -> None:
    counts = Counter(split(THREE, KEYS))
    for number, slots in THREE.items():
        share = sum(high - low for low, high in slots) / SLOTS
        assert abs(counts[number] / len(KEYS) - share) < 0.01


def test_keys_move_with_their_slots_alone() -> None:
    keys = KEYS[:20_000]
    before, after = split({7: [[0, SLOTS]]}, keys), split({7: [[0, 9_500]], 8: [[9_500, SLOTS]]}, keys)
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    assert abs(moved / len(keys) - 0.05) < 0.01


def test_environments_are_drawn_apart() -> None:
    keys = KEYS[:5_000]
    halves = {1: [[0, 5_000]], 2: [[5_000, SLOTS]]}
    same = sum(map(int.__eq__, split(halves, keys), split(halves, keys, "staging")))
    assert 0.4 < same / len(keys) < 0.6


def test_without_a_key_each_request_draws() -> None:
    halves = {1: [[0, 5_000]], 2: [[5_000, SLOTS]]}
    assert {choose_version(halves, PROMPT, "production", None) for _ in range(200)} == {1, 2}


@given(key=st.text())
def test_any_key_gets_one_of_the_versions_and_always_the_same(key: str) -> None:
    chosen = choose_version(THREE, PROMPT, "production", key)
    assert choose_version(dict(reversed(list(THREE.items()))), PROMPT, "production", key) == chosen
