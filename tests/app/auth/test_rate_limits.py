"""Guessing is slowed down, without locking anybody else out and without growing."""

import pytest

from app.auth import rate_limits
from app.auth.rate_limits import Door, Throttle, TooManyTries, network


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_one_try_too_many_is_refused_and_says_when_to_come_back() -> None:
    clock = Clock()
    limit = Throttle(3, 300, clock)
    for _ in range(3):
        limit.admit("ada")
    clock.seconds = 60
    with pytest.raises(TooManyTries, match=r"^Too many tries. Try again in 4 minutes\.$") as refusal:
        limit.admit("ada")
    assert refusal.value.retry_after == 240
    clock.seconds = 300
    limit.admit("ada")


def test_refused_tries_do_not_prolong_the_wait() -> None:
    clock = Clock()
    limit = Throttle(1, 300, clock)
    limit.admit("ada")
    for clock.seconds in range(10, 300, 10):
        with pytest.raises(TooManyTries):
            limit.admit("ada")
    clock.seconds = 300
    limit.admit("ada")


def test_lock_on_one_email_from_one_address_does_not_lock_the_owner_elsewhere() -> None:
    door = Door(tries=3, network_tries=50)
    for _ in range(3):
        door.admit("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyTries):
        door.admit("198.51.100.7", "ada@example.com")
    door.admit("203.0.113.9", "ada@example.com")
    door.admit("198.51.100.7", "bob@example.com")


def test_one_address_cannot_go_through_many_emails() -> None:
    door = Door(tries=3, network_tries=10)
    for n in range(10):
        door.admit("198.51.100.7", f"person{n}@example.com")
    with pytest.raises(TooManyTries):
        door.admit("198.51.100.7", "one.more@example.com")


def test_signing_in_often_is_no_guessing() -> None:
    door = Door(tries=3, network_tries=8, person_tries=8)
    for _ in range(100):
        door.admit("198.51.100.7", "ada@example.com")
        door.forgive("198.51.100.7", "ada@example.com")
    for _ in range(3):
        door.admit("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyTries):
        door.admit("198.51.100.7", "ada@example.com")


def test_own_successes_do_not_buy_guesses_at_others() -> None:
    door = Door(tries=3, network_tries=8)
    for n in range(8):
        door.admit("198.51.100.7", "own@example.com")
        door.forgive("198.51.100.7", "own@example.com")
        door.admit("198.51.100.7", f"victim{n}@example.com")
    with pytest.raises(TooManyTries):
        door.admit("198.51.100.7", "victim@example.com")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 100)
    limit = Throttle(5, 300)
    for n in range(1000):
        limit.admit(n)
    assert len(limit._seen) == 100


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
def test_an_ipv6_subscriber_is_one_network(host: str | None, counted_as: str) -> None:
    assert network(host) == counted_as
