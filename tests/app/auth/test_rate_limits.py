"""Rate limits slow guessing down and lock no one else out."""

import pytest

from app.auth.rate_limits import FormLimits, RateLimit, TooManyAttempts
from tally.accounts.auth_client import AuthError


def test_a_form_shows_the_refusal_as_its_other_errors() -> None:
    limit = RateLimit("test", 1, 300)
    limit.count("ada")
    with pytest.raises(AuthError, match=r"^Too many attempts. Try again in 5 minutes\.$") as refusal:
        limit.count("ada")
    assert isinstance(refusal.value, TooManyAttempts)


def test_attacker_does_not_lock_the_owner_out() -> None:
    limits = FormLimits("test", attempts=3, network_attempts=50)
    for _ in range(3):
        limits.count("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "ada@example.com")
    limits.count("203.0.113.9", "ada@example.com")
    limits.count("198.51.100.7", "bob@example.com")


def test_one_address_cannot_try_many_emails() -> None:
    limits = FormLimits("test", attempts=3, network_attempts=10)
    for n in range(10):
        limits.count("198.51.100.7", f"person{n}@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "one.more@example.com")


def test_attempts_that_were_not_compared_lock_nobody_out() -> None:
    limits = FormLimits("test", attempts=3, network_attempts=50, email_attempts=4)
    for n in range(40):
        limits.count(f"198.51.100.{n}", "ada@example.com")
        limits.forget_unjudged("ada@example.com")
    for n in range(4):
        limits.count(f"203.0.113.{n}", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("203.0.113.9", "ada@example.com")


def test_successful_sign_ins_are_not_limited() -> None:
    limits = FormLimits("test", attempts=3, network_attempts=8, email_attempts=8)
    for _ in range(100):
        limits.count("198.51.100.7", "ada@example.com")
        limits.forgive("198.51.100.7", "ada@example.com")
    for _ in range(3):
        limits.count("198.51.100.7", "ada@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "ada@example.com")


def test_own_successes_allow_no_more_guesses_at_others() -> None:
    limits = FormLimits("test", attempts=3, network_attempts=8)
    for n in range(8):
        limits.count("198.51.100.7", "own@example.com")
        limits.forgive("198.51.100.7", "own@example.com")
        limits.count("198.51.100.7", f"victim{n}@example.com")
    with pytest.raises(TooManyAttempts):
        limits.count("198.51.100.7", "victim@example.com")
