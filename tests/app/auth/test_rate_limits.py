"""Rate limits slow guessing down and lock no one else out, by processes alone and together."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.auth.rate_limits import FormLimits, RateLimit, TooManyAttempts
from app.auth.shared_database import SharedDatabase
from tally.accounts.auth_client import AuthError
from tally.local.stack import Stack
from tests.shared_state import web_database_url


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


@pytest.fixture
def shared(stack: Stack) -> Iterator[SharedDatabase]:
    """The database in which processes count together."""
    shared = SharedDatabase(web_database_url(stack.settings()["DATABASE_URL"]))
    yield shared
    shared.close()


def test_processes_count_together_and_names_apart(shared: SharedDatabase) -> None:
    one, another = (RateLimit("codes", 3, 300, lambda: shared) for _ in range(2))
    other_form, ada = RateLimit("links", 3, 300, lambda: shared), ("network", str(uuid4()))
    for limit in (one, another, one):
        limit.count(ada)
    for limit in (one, another):
        with pytest.raises(TooManyAttempts, match=r"^Too many attempts. Try again in 5 minutes\.$"):
            limit.count(ada)
    one.count(("network", "bob"))
    other_form.count(ada)
    one.refund(ada)
    another.count(ada)
    with pytest.raises(TooManyAttempts):
        one.count(ada)
    one.reset(ada)
    for _ in range(3):
        another.count(ada)


def test_attempts_at_once_are_no_more_than_the_limit(shared: SharedDatabase) -> None:
    limits, ada = [RateLimit("sign ins", 10, 300, lambda: shared) for _ in range(2)], str(uuid4())

    def attempt(nth: int) -> bool:
        try:
            limits[nth % 2].count(ada)
        except TooManyAttempts:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(40))) == 10


def test_without_the_shared_database_each_process_counts_for_itself() -> None:
    away = SharedDatabase("postgresql://tally_web:x@127.0.0.1:1/postgres")
    limit = RateLimit("sign ins", 3, 300, lambda: away)
    for _ in range(3):
        limit.count("ada")
    with pytest.raises(TooManyAttempts):
        limit.count("ada")
    limit.reset("ada")
    limit.count("ada")
    away.close()
