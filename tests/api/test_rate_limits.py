"""Rate limits of keys: in one process, in several by Redis or Postgres, and without what they were to use."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.answers import Refusal
from api.rate_limits import REQUESTS_PER_MINUTE, RETRY_SECONDS, RateLimits
from tally.api_keys.verification import Grant
from tally.core.errors import TallyError
from tally.storage.database import Unreachable
from tests.api.conftest import MakeKey
from tests.api.grants import grant_with
from tests.api.redis_server import RedisServer, running_redis
from tests.api.server import ApiServer
from tests.database_fixtures import Connection, Project


@pytest.fixture(autouse=True)
def within_a_minute() -> None:
    """Begin early in one of the minutes that are counted: at its end, a request more may be taken."""
    if time.time() % 60 > 57:
        time.sleep(3)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@dataclass(frozen=True)
class Place:
    """Where uses are counted: `limits` are those of one more process, for keys that the place knows."""

    limits: Callable[[], RateLimits]
    key: Callable[..., Grant] = grant_with


def in_database(project: Project, database: Connection, user: UUID) -> Place:
    """Uses counted in Postgres, as the role tally_api."""

    @contextmanager
    def connect() -> Iterator[Connection]:
        with psycopg.connect(project.cluster.url(project.name, "tally_api"), autocommit=True) as connection:
            yield connection

    def make_grant(**details: Any) -> Grant:
        [[key_id]] = database.execute(
            """insert into public.api_keys (workspace_id, user_id, name, prefix, last_four, key_hash, scopes)
            values (%(user)s, %(user)s, %(name)s, 'tly_abcd', 'abcd', sha256(%(name)s::text::bytea), '{read}')
            returning id""",
            {"user": user, "name": str(uuid4())},
        ).fetchall()
        return grant_with(key_id=key_id, **details)

    return Place(lambda: RateLimits(connect=connect), make_grant)


@pytest.fixture(params=["memory", "redis", "database"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return Place(RateLimits)
    if request.param == "redis":
        redis = request.getfixturevalue("redis")
        return Place(lambda: RateLimits(redis.url))
    return in_database(*(request.getfixturevalue(name) for name in ("project", "database", "user")))


@pytest.fixture
def limits(place: Place) -> RateLimits:
    return place.limits()


def count_taken(limits: RateLimits, grant: Grant, times: int) -> int:
    taken = 0
    for _ in range(times):
        try:
            limits.count_request(grant)
            taken += 1
        except Refusal:
            pass
    return taken


def test_key_has_its_own_limit_and_others_are_not_counted(place: Place, limits: RateLimits) -> None:
    grant, other = place.key(requests_per_minute=3), place.key(requests_per_minute=3)
    assert count_taken(limits, grant, 5) == 3
    with pytest.raises(Refusal) as refusal:
        limits.count_request(grant)
    assert refusal.value.status == 429
    assert refusal.value.message.startswith("More than 3 requests a minute of this key.")
    assert 1 <= (refusal.value.retry_after or 0) <= 60
    assert count_taken(limits, other, 5) == 3


def test_key_without_a_limit_has_the_installations(place: Place, limits: RateLimits) -> None:
    grant = place.key()
    assert count_taken(limits, grant, REQUESTS_PER_MINUTE + 1) == REQUESTS_PER_MINUTE


def test_threads_do_not_get_more_than_the_limit(place: Place, limits: RateLimits) -> None:
    grant = place.key(requests_per_minute=50)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: count_taken(limits, grant, 20), range(8)))
    assert sum(taken) == 50


def test_tokens_are_limited_by_their_number(place: Place, limits: RateLimits) -> None:
    grant = place.key(tokens_per_minute=1000)
    limits.count_tokens(grant, 600)
    with pytest.raises(Refusal, match="1,000 tokens"):
        limits.count_tokens(grant, 600)
    limits.count_tokens(grant, 400)
    limits.count_tokens(place.key(), 10**12)


def test_more_tokens_than_the_limit_are_taken_once(place: Place, limits: RateLimits) -> None:
    grant = place.key(tokens_per_minute=1000)
    limits.count_tokens(grant, 50_000)
    with pytest.raises(Refusal):
        limits.count_tokens(grant, 1)


def test_processes_share_a_limit_in_redis(redis: RedisServer) -> None:
    grant = grant_with(requests_per_minute=10)
    one, another = RateLimits(redis.url), RateLimits(redis.url)
    assert count_taken(one, grant, 6) + count_taken(another, grant, 6) == 10


def test_processes_share_a_limit_in_the_database(project: Project, database: Connection, user: UUID) -> None:
    place = in_database(project, database, user)
    grant = place.key(requests_per_minute=10)
    assert count_taken(place.limits(), grant, 6) + count_taken(place.limits(), grant, 6) == 10


def test_failing_database_leaves_a_limit_of_each_process(caplog: pytest.LogCaptureFixture) -> None:
    @contextmanager
    def refuse() -> Iterator[Connection]:
        raise Unreachable("The database cannot be reached.")
        yield

    limits, grant = RateLimits(connect=refuse), grant_with(requests_per_minute=10)
    with caplog.at_level(logging.WARNING, "api.rate_limits"):
        assert count_taken(limits, grant, 20) == 10
    assert caplog.text.count("The database does not answer") == 1


def test_failing_redis_leaves_a_limit_of_each_process(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    grant, now = grant_with(requests_per_minute=10), time.monotonic()
    limits = RateLimits(redis.url, lambda: now)
    assert count_taken(limits, grant, 4) == 4
    redis.stop()
    with caplog.at_level(logging.WARNING, "api.rate_limits"):
        assert count_taken(limits, grant, 20) == 10
    assert len(caplog.records) == 1
    assert "Each process limits keys for itself" in caplog.text

    redis.start()
    assert count_taken(limits, grant, 1) == 0, "a Redis that failed is left alone for a while"
    now += RETRY_SECONDS
    assert count_taken(limits, grant, 20) == 10


def test_redis_that_is_not_there_at_the_start_is_used_once_it_is(redis: RedisServer) -> None:
    redis.stop()
    now = time.monotonic()
    one, another = (RateLimits(redis.url, lambda: now) for _ in range(2))
    grant = grant_with(requests_per_minute=5)
    assert count_taken(one, grant, 9) == 5
    redis.start()
    now += RETRY_SECONDS
    assert count_taken(one, grant, 4) + count_taken(another, grant, 4) == 5


@pytest.mark.parametrize("url", ["nonsense", "http://x", "memory://", "async+redis://x", "redis://x:port"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(TallyError, match="TALLY_REDIS_URL is not an address of Redis"):
        RateLimits(url)


def test_program_is_told_when_to_come_again(api: ApiServer, make_key: MakeKey) -> None:
    client = api.client(make_key("read", requests_per_minute=2))
    statuses = [client.get("/v1/budget").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(client.get("/v1/budget").headers["retry-after"]) <= 60
