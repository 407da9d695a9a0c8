"""Rate limits slow guessing down, lock no one else out and use bounded memory."""

import pytest

from app.auth import rate_limits
from app.auth.rate_limits import FormLimits, RateLimit, TooManyAttempts, network


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


def test_attacker_does_not_lock_the_owner_out() -> None:
    limits = FormLimits(attempts=3, network_attempts=50)
    for _ in range(3):
        limits.count("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "ada@example.com")
    limits.count("203.0.113.9", "ada@example.com")
    limits.count("198.51.100.7", "bob@example.com")


def test_one_address_cannot_try_many_emails() -> None:
    limits = FormLimits(attempts=3, network_attempts=10)
    for n in range(10):
        limits.count("198.51.100.7", f"person{n}@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "one.more@example.com")


def test_attempts_that_were_not_compared_lock_nobody_out() -> None:
    limits = FormLimits(attempts=3, network_attempts=50, email_attempts=4)
    for n in range(40):
        limits.count(f"198.51.100.{n}", "ada@example.com")
        limits.forget_unjudged("ada@example.com")
    for n in range(4):
        limits.count(f"203.0.113.{n}", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("203.0.113.9", "ada@example.com")


def test_successful_sign_ins_are_not_limited() -> None:
    limits = FormLimits(attempts=3, network_attempts=8, email_attempts=8)
    for _ in range(100):
        limits.count("198.51.100.7", "ada@example.com")
        limits.forgive("198.51.100.7", "ada@example.com")
    for _ in range(3):
        limits.count("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "ada@example.com")


def test_own_successes_allow_no_more_guesses_at_others() -> None:
    limits = FormLimits(attempts=3, network_attempts=8)
    for n in range(8):
        limits.count("198.51.100.7", "own@example.com")
        limits.forgive("198.51.100.7", "own@example.com")
        limits.count("198.51.100.7", f"victim{n}@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "victim@example.com")


def test_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 100)
    limit = RateLimit(5, 300)
    for n in range(1000):
        limit.count(n)
    assert len(limit._times) == 100


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_ipv6_subscriber_is_one_network(host: str | None, counted_as: str) -> None:
    assert network(host) == counted_as
