"""Splits: the same key always gets the same version, by the shares."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tally.prompts.split import choose_version

PROMPT = "9b2f3a54-0a3c-4c76-8a3f-d5a4b9f5d6a1"
KEYS = [f"user-{n}" for n in range(100_000)]


def split(shares: dict[int, str], keys: list[str], environment: str = "production") -> list[int]:
    """The versions of keys."""
    given = {number: Decimal(share) for number, share in shares.items()}
    return [choose_version(given, PROMPT, environment, key) for key in keys]


def test_shares_are_met_within_one_percent_over_100_000_keys() -> None:
    shares = {2: "12.5", 7: "60", 9: "27.5"}
    counts = Counter(split(shares, KEYS))
    for number, share in shares.items():
        assert abs(counts[number] / len(KEYS) - float(share) / 100) < 0.01


def test_change_of_two_shares_moves_only_the_keys_between_them() -> None:
    before, after = split({7: "90", 8: "10"}, KEYS), split({7: "75", 8: "25"}, KEYS)
    moved = Counter((old, new) for old, new in zip(before, after, strict=True) if old != new)
    assert set(moved) == {(7, 8)}
    assert abs(moved[7, 8] / len(KEYS) - 0.15) < 0.01


def test_next_version_takes_only_its_share() -> None:
    keys = KEYS[:20_000]
    before, after = split({7: "100"}, keys), split({7: "95", 8: "5"}, keys)
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    assert abs(moved / len(keys) - 0.05) < 0.01


def test_environments_are_drawn_apart() -> None:
    keys = KEYS[:5_000]
    shares = {1: "50", 2: "50"}
    same = sum(map(int.__eq__, split(shares, keys), split(shares, keys, "staging")))
    assert 0.4 < same / len(keys) < 0.6


def test_without_a_key_each_request_draws() -> None:
    shares = {1: Decimal(50), 2: Decimal(50)}
    assert {choose_version(shares, PROMPT, "production", None) for _ in range(200)} == {1, 2}


@given(key=st.text(), cuts=st.lists(st.integers(1, 9_999), max_size=4, unique=True))
def test_any_key_gets_one_of_the_versions_and_always_the_same(key: str, cuts: list[int]) -> None:
    ends = [*sorted(cuts), 10_000]
    shares = {
        n + 1: Decimal(end - begin) / 100
        for n, (begin, end) in enumerate(zip([0, *ends], ends, strict=False))
    }
    chosen = choose_version(shares, PROMPT, "production", key)
    assert chosen in shares
    assert choose_version(dict(reversed(shares.items())), PROMPT, "production", key) == chosen
