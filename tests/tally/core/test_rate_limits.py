"""Rate limits use bounded memory, and a subscriber is one network."""

import pytest

from tally.core import rate_limits
from tally.core.rate_limits import RateLimit, TooManyAttempts, network
from tests.every_case import every_case


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_attempt_beyond_the_limit_is_refused_with_the_waiting_time() -> None:
    clock = Clock()
    limit = RateLimit(3, 300, clock)
    for _ in range(3):
        limit.count("ada")
    clock.seconds = 60
    with pytest.raises(TooManyAttempts, match=r"^Too many attempts. Try again in 4 minutes\.$") as refusal:
        limit.count("ada")
    assert refusal.value.retry_after == 240
    clock.seconds = 300
    limit.count("ada")


def test_refused_attempts_do_not_prolong_the_wait() -> None:
    clock = Clock()
    limit = RateLimit(1, 300, clock)
    limit.count("ada")
    for clock.seconds in range(10, 300, 10):
        with pytest.raises(TooManyAttempts):
            limit.count("ada")
    clock.seconds = 300
    limit.count("ada")


def test_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 100)
    limit = RateLimit(5, 300)
    for n in range(1000):
        limit.count(n)
    assert len(limit._times) == 100


@every_case(
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ]
)
def test_ipv6_subscriber_is_one_network(host: str | None, counted_as: str) -> None:
    assert network(host) == counted_as
