"""A real Postgres with every migration applied: one server per worker, a database without data per test."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from itertools import count
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.cluster import TEMPLATE, Cluster, Missing
from tests.database.reuse import Reused

Connection = psycopg.Connection[Any]
_copies = count(1)


@dataclass(frozen=True, slots=True)
class Project:
    """One database of a server, and the connections to it."""

    cluster: Cluster
    name: str
    reused: Reused | None = None

    def connect(self, user: str = "postgres") -> Connection:
        """As a login role, in autocommit."""
        return self.reused.connect(user) if self.reused else self.cluster.connect(self.name, user)

    def act_as(self, role: str, user_id: UUID | None = None) -> Connection:
        """As PostgREST: log in as `authenticator`, take the token's role and set its claims."""
        connection = self.connect("authenticator")
        claims = {"role": role} | ({"sub": str(user_id)} if user_id else {})
        query = "select set_config('role', %s, false), set_config('request.jwt.claims', %s, false)"
        connection.execute(query, [role, json.dumps(claims)])
        return connection


def add_user(connection: Connection, timezone: str = "UTC") -> UUID:
    """Sign up a user."""
    user_id = uuid4()
    connection.execute(
        "insert into auth.users (id, email) values (%s, %s)", [user_id, f"{user_id}@example.org"]
    )
    if timezone != "UTC":
        connection.execute(
            "update public.user_preferences set timezone = %s where user_id = %s", [timezone, user_id]
        )
    return user_id


def wait_for_lock(observer: Connection, waiting: Connection) -> None:
    """Return as soon as a connection waits for a lock; fail when it does not within seconds."""
    query = "select from pg_locks where pid = %s and not granted"
    deadline = monotonic() + 25  # below lock_timeout of the servers here
    while not observer.execute(query, [waiting.info.backend_pid]).rowcount:
        assert monotonic() < deadline, "The connection waits for no lock."
        sleep(0.005)


def make_months(connection: Connection, first_day: date | str, last_day: date | str | None = None) -> None:
    """Make the months from one day's to another's: a direct insert, unlike a save, makes none."""
    connection.execute(
        """select public.ensure_months(array(
            select generate_series(date_trunc('month', %s::timestamp), %s::timestamp, '1 month')::date))""",
        [first_day, last_day or first_day],
    )


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The embedded PostgreSQL 17, with the template of every test's database."""
    try:
        server = Cluster.embedded()
    except Missing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def debian_cluster() -> Iterator[Cluster]:
    """Debian's PostgreSQL 15 with pg_cron and plpgsql_check, without migrations."""
    try:
        server = Cluster.debian()
    except Missing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def reused() -> list[Reused]:
    """The database that tests use in turn, once there is one."""
    return []


@pytest.fixture
def project(request: pytest.FixtureRequest, cluster: Cluster, reused: list[Reused]) -> Iterator[Project]:
    """A migrated database without data; a test marked `new_database` gets one that no other test used."""
    if request.node.get_closest_marker("new_database"):
        name = f"copy_{next(_copies)}"
        cluster.clone(TEMPLATE, name)
        yield Project(cluster, name)
        cluster.drop(name)
        return
    if not reused:
        reused.append(Reused(cluster))
    yield Project(cluster, reused[0].name, reused[0])
    if not reused[0].restore():
        reused.pop().drop()


@pytest.fixture(scope="module")
def module_project(cluster: Cluster) -> Iterator[Project]:
    """A migrated database of all tests of a file, for what they only read."""
    database = Reused(cluster)
    yield Project(cluster, database.name, database)
    database.drop()


@pytest.fixture
def database(project: Project) -> Iterator[Connection]:
    """The test's database as the job and the migrations see it: the role `postgres`."""
    with project.connect() as connection:
        yield connection


@pytest.fixture
def as_user(project: Project) -> Iterator[Callable[[UUID], Connection]]:
    """Connections that act as a signed-in user, under row-level security."""
    with ExitStack() as opened:
        yield lambda user_id: opened.enter_context(project.act_as("authenticated", user_id))


@pytest.fixture
def anon(project: Project) -> Iterator[Connection]:
    """A caller with only the publishable key."""
    with project.act_as("anon") as connection:
        yield connection


@pytest.fixture
def service(project: Project) -> Iterator[Connection]:
    """A caller with the secret key."""
    with project.act_as("service_role") as connection:
        yield connection


@pytest.fixture
def user(database: Connection) -> UUID:
    """A user who signed up."""
    return add_user(database)


@pytest.fixture
def stranger(database: Connection) -> UUID:
    """Another user who signed up."""
    return add_user(database)
