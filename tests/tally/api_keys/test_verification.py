"""Verifying keys: against the real database, with a short cache that also remembers unknown keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any

import psycopg
import pytest

from tally.api_keys import verification
from tally.api_keys.key_text import make_key_text
from tally.api_keys.keys import NewKey, create_key, list_keys, revoke_key, rotate_key
from tally.api_keys.verification import CACHE_SECONDS, FAILURES, Verifier
from tally.core.rate_limits import TooManyAttempts
from tally.storage.database import Unreachable
from tally.storage.postgres import PostgresDatabase
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project


class Office:
    """An operator's connection that counts how often it is asked for, and a clock."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.seconds, self.asked = connection, 1000.0, 0

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        """The connection."""
        self.asked += 1
        yield self.connection

    def now(self) -> float:
        """The time."""
        return self.seconds

    def count(self, act: Callable[[], object]) -> int:
        """The number of times that an action asks the database."""
        before = self.asked
        act()
        return self.asked - before


@pytest.fixture
def office(database: Connection) -> Office:
    return Office(database)


@pytest.fixture
def verifier(office: Office) -> Verifier:
    return Verifier(office.connect, office.now)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database)


@pytest.fixture
def member(team: Team, database: Connection) -> PostgresDatabase:
    """A member's database."""
    return PostgresDatabase(database, team["member"].id, team.id)


def test_a_key_is_verified_to_its_grant(verifier: Verifier, member: PostgresDatabase, team: Team) -> None:
    made = create_key(member, NewKey("bot", ("ingest",), None, 60, 1000))
    grant = verifier.verify(made.text)
    assert grant is not None
    assert (str(grant.key_id), grant.user_id, grant.workspace_id) == (made.id, team["member"].id, team.id)
    assert (grant.name, grant.scopes, grant.project_id) == ("bot", frozenset({"ingest"}), None)
    assert (grant.requests_per_minute, grant.tokens_per_minute) == (60, 1000)


def test_a_text_that_is_no_key_never_reaches_the_database(verifier: Verifier, office: Office) -> None:
    text = make_key_text()
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert office.count(lambda: [verifier.verify(each) for each in ("", "tly_", wrong, "ä" * 40)]) == 0
    assert verifier.verify(wrong) is None


def test_a_revoked_key_stops_working_within_the_time_of_the_cache(
    verifier: Verifier, office: Office, member: PostgresDatabase
) -> None:
    made = create_key(member, NewKey("bot"))
    assert verifier.verify(made.text) is not None
    office.seconds += CACHE_SECONDS - 0.1
    assert office.count(lambda: verifier.verify(made.text)) == 0
    revoke_key(member, made.id)
    assert verifier.verify(made.text) is not None
    office.seconds += 0.1
    assert verifier.verify(made.text) is None
    assert CACHE_SECONDS <= 30


def test_an_unknown_key_is_remembered_as_long(verifier: Verifier, office: Office) -> None:
    unknown = make_key_text()
    assert office.count(lambda: verifier.verify(unknown)) == 1
    assert office.count(lambda: verifier.verify(unknown)) == 0
    office.seconds += CACHE_SECONDS
    assert office.count(lambda: verifier.verify(unknown)) == 1


def test_both_keys_of_a_rotation_verify(verifier: Verifier, member: PostgresDatabase) -> None:
    old = create_key(member, NewKey("bot"))
    new = rotate_key(member, list_keys(member)[0], timedelta(hours=1), None)
    assert verifier.verify(old.text) is not None
    assert verifier.verify(new.text) is not None


def test_use_is_noted_once_a_minute(verifier: Verifier, office: Office, member: PostgresDatabase) -> None:
    made = create_key(member, NewKey("bot"))
    asked = []
    for _ in range(5):
        asked.append(office.count(lambda: verifier.verify(made.text)))
        office.seconds += 20
    assert asked == [2, 0, 1, 1, 1]  # to verify and note; cached; to verify; to note; to verify
    assert list_keys(member)[0].last_used_at is not None


def test_a_use_that_cannot_be_noted_is_a_use(
    office: Office, member: PostgresDatabase, database: Connection
) -> None:
    made = create_key(member, NewKey("bot"))
    database.execute("alter function private.touch_api_key(uuid) rename to moved_away")
    try:
        assert Verifier(office.connect).verify(made.text) is not None
    finally:
        database.execute("alter function private.moved_away(uuid) rename to touch_api_key")


def test_guessing_is_limited_by_network_and_disturbs_no_key_that_worked(
    verifier: Verifier, office: Office, member: PostgresDatabase
) -> None:
    made, fresh = create_key(member, NewKey("bot")), create_key(member, NewKey("new"))
    assert verifier.verify(made.text, "192.0.2.1") is not None
    for _ in range(FAILURES):
        assert verifier.verify(make_key_text(), "192.0.2.1") is None
    with pytest.raises(TooManyAttempts) as refused:
        verifier.verify(make_key_text(), "192.0.2.1")
    assert 0 < refused.value.retry_after <= 300
    office.seconds += CACHE_SECONDS
    assert verifier.verify(made.text, "192.0.2.1") is not None
    assert verifier.verify(fresh.text, "192.0.2.2") is not None
    office.seconds += 300
    assert verifier.verify(make_key_text(), "192.0.2.1") is None


def test_keys_that_work_count_as_no_failures(
    office: Office, member: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "FAILURES", 2)
    verifier = Verifier(office.connect, office.now)
    for n in range(5):
        assert verifier.verify(create_key(member, NewKey(str(n))).text, "192.0.2.1") is not None


def test_a_database_that_is_away_is_an_error_and_no_failure(
    office: Office, member: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "FAILURES", 2)
    is_away = True

    @contextmanager
    def connect() -> Iterator[psycopg.Connection[Any]]:
        if is_away:
            raise psycopg.OperationalError("the server closed the connection")
        yield office.connection

    verifier = Verifier(connect, office.now)
    made = create_key(member, NewKey("bot"))
    for _ in range(5):
        with pytest.raises(Unreachable):
            verifier.verify(made.text, "192.0.2.1")
    is_away = False
    assert verifier.verify(made.text, "192.0.2.1") is not None


def test_both_caches_are_bounded(
    office: Office, member: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "MAX_CACHED", 3)
    monkeypatch.setattr(verification, "FAILURES", 100)
    verifier = Verifier(office.connect, office.now)
    made = [create_key(member, NewKey(str(n))) for n in range(5)]
    for key in made:
        assert verifier.verify(key.text) is not None
    for _ in range(20):  # unknown keys push out no known ones
        assert verifier.verify(make_key_text()) is None
    assert (len(verifier._known), len(verifier._unknown)) == (3, 3)
    assert office.count(lambda: [verifier.verify(key.text) for key in made[2:]]) == 0


def test_threads_verify_at_once(member: PostgresDatabase, project: Project) -> None:
    made = create_key(member, NewKey("bot"))

    @contextmanager
    def connect() -> Iterator[psycopg.Connection[Any]]:
        with project.connect() as connection:
            yield connection

    shared, found = Verifier(connect), []
    threads = [Thread(target=lambda: found.append(shared.verify(made.text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {grant and str(grant.key_id) for grant in found} == {made.id}
