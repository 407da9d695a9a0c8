"""The same matrix through the gateway and PostgREST, with tokens that the real auth service issued."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tally.local.stack import Stack
from tests.database.access import (
    COMMANDS,
    EXECUTED_BY,
    MADE_AT_SIGN_UP,
    READ_BY_EVERYONE,
    READ_BY_OWNER,
    READABLE,
    VIEWS,
    WRITTEN_BY_NOBODY,
    WRITTEN_BY_OWNER,
    expected,
    insert,
    list_tables,
    sample_row,
)
from tests.database_fixtures import Connection

REFUSED = {401, 403, 404}
KEYS_OF_ALL = {"providers": "name=eq.openai", "exchange_rates": "currency=eq.USD"}
KEY = {"user_preferences": "user_id", "workspaces": "id"}  # the others have workspace_id
ROLE_OF = {"owner": "authenticated", "stranger": "authenticated", "anon": "anon", "service": "service_role"}


# Made at sign-up; a service may have deleted it.
PERSONAL_WORKSPACE = (
    """insert into public.workspaces (id, name, personal_user_id) values (%s, 'Personal', %s)
    on conflict do nothing""",
    """insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')
    on conflict do nothing""",
)


class Person:
    """A caller with a key and, when signed in, a token."""

    def __init__(self, url: str, key: str, email: str | None = None) -> None:
        self.http = httpx.Client(base_url=url, headers={"apikey": key}, timeout=20)
        self.user_id: UUID | None = None
        if email:
            answer = self.http.post("/auth/v1/signup", json={"email": email, "password": uuid4().hex})
            answer.raise_for_status()
            self.user_id = UUID(answer.json()["user"]["id"])
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def reach(self, command: str, table: str, row: dict[str, Any], owner: UUID) -> str:
        """The outcome of a command on the owner's rows: `denied`, `nothing` or `own`."""
        key = KEYS_OF_ALL.get(table, f"{KEY.get(table, 'workspace_id')}=eq.{owner}")
        requests: dict[str, Callable[[], httpx.Response]] = {
            "select": lambda: self.http.get(f"/rest/v1/{table}?{key}&select={READABLE.get(table, '*')}"),
            "insert": lambda: self._send("POST", f"/rest/v1/{table}", row),
            "update": lambda: self._send("PATCH", f"/rest/v1/{table}?{key}", {"metadata": {"seen": True}}),
            "delete": lambda: self._send("DELETE", f"/rest/v1/{table}?{key}", None),
        }
        answer = requests[command]()
        if answer.status_code in REFUSED:
            return "denied"
        if answer.status_code == 409 or '"code":"23514"' in answer.text:
            return "own"  # allowed, and refused only because the row is in use, or the last owner's
        assert answer.status_code in {200, 201}, answer.text
        return "own" if answer.json() else "nothing"

    def _send(self, method: str, path: str, body: object) -> httpx.Response:
        return self.http.request(method, path, json=body, headers={"Prefer": "return=representation"})


@pytest.fixture(scope="module")
def people(stack: Stack) -> dict[str, Person]:
    """Owner, stranger, anon and service at the real gateway."""
    settings = stack.settings()
    url, public = settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]
    return {
        "owner": Person(url, public, f"{uuid4()}@example.org"),
        "stranger": Person(url, public, f"{uuid4()}@example.org"),
        "anon": Person(url, public),
        "service": Person(url, settings["SUPABASE_SECRET_KEY"]),
    }


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[Connection]:
    """The stack's database as the job sees it."""
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(people: dict[str, Person], job: Connection) -> UUID:
    """The owner, with a row in every table; the stranger has none."""
    user_id, stranger = people["owner"].user_id, people["stranger"].user_id
    assert user_id
    assert stranger
    for statement in PERSONAL_WORKSPACE:
        job.execute(statement, [user_id, user_id])
    kept = VIEWS | MADE_AT_SIGN_UP - {"user_preferences"}
    tables = sorted((WRITTEN_BY_OWNER | READ_BY_OWNER | WRITTEN_BY_NOBODY) - kept)
    for table in tables:
        key = KEY.get(table, "workspace_id")
        job.execute(f"delete from public.{table} where {key} in (%s, %s)", [user_id, stranger])
    for table in tables:
        job.execute(insert(table, sample_row(job, table, user_id)))
    job.execute("delete from public.exchange_rates")
    job.execute("insert into public.exchange_rates (day, currency, rate) values ('2026-05-01', 'USD', 1.1)")
    return user_id


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON text has it."""
    plain = {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
    return {name: f"\\x{value.hex()}" if isinstance(value, bytes) else value for name, value in plain.items()}


@pytest.mark.parametrize("actor", ROLE_OF)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_table_answers_as_declared(
    people: dict[str, Person], job: Connection, owner: UUID, actor: str, command: str
) -> None:
    # Statements go with their import, thresholds with their budget, runs with their variant, and
    # everything with the workspace.
    parents = ["budgets", "experiment_variants", "experiments", "projects", "workspaces"]
    for table in sorted(set(list_tables(job)) - set(parents), reverse=True) + parents:
        row = sample_row(job, table, owner) if command == "insert" else {}
        row |= {"run_id": uuid4()} if "run_id" in row else {}
        row |= {name: "another" for name in ("credential_name", "billing_account") if name in row}
        row |= {"name": f"new-{uuid4().hex[:8]}"} if table == "providers" else {}
        if (command, table) == ("insert", "user_preferences"):
            job.execute("delete from public.user_preferences where user_id = %s", [owner])
        before = _rows(job, table, owner)
        assert people[actor].reach(command, table, as_json(row), owner) == expected(actor, table, command), (
            table
        )
        if expected(actor, table, command) != "own" or command == "select":
            assert _rows(job, table, owner) == before, table
    job.execute("delete from public.providers where name like 'new-%'")


def _rows(job: Connection, table: str, owner: UUID) -> list[tuple[Any, ...]]:
    if table in READ_BY_EVERYONE:
        return job.execute(f"select t::text from public.{table} as t order by 1").fetchall()
    return job.execute(
        f"select t::text from public.{table} as t where {KEY.get(table, 'workspace_id')} = %s order by 1",
        [owner],
    ).fetchall()


@pytest.mark.parametrize("actor", ROLE_OF)
def test_every_function_answers_only_declared_roles(
    people: dict[str, Person], job: Connection, actor: str
) -> None:
    arguments = dict(
        job.execute(
            """select proname, coalesce(proargnames[1:pronargs], '{}') from pg_proc
            where pronamespace = 'public'::regnamespace"""
        ).fetchall()
    )
    assert set(arguments) == set(EXECUTED_BY)
    for name in EXECUTED_BY:
        answer = people[actor].http.post(f"/rest/v1/rpc/{name}", json=dict.fromkeys(arguments[name]))
        denied = answer.status_code in REFUSED and "permission denied for function" in answer.text
        assert denied == (ROLE_OF[actor] not in EXECUTED_BY[name]), (name, answer.status_code, answer.text)


def test_private_schema_is_not_exposed(people: dict[str, Person], job: Connection) -> None:
    names = [
        name
        for (name,) in job.execute(
            """select relname from pg_class
            where relnamespace = 'private'::regnamespace and relkind in ('r', 'p', 'm', 'v')
            union all select 'rpc/' || proname from pg_proc where pronamespace = 'private'::regnamespace"""
        )
    ]
    assert {"cost_records_daily", "stale_days", "rpc/mark_days"} <= set(names)
    profile = {"Accept-Profile": "private", "Content-Profile": "private"}
    for nth, name in enumerate(names):
        # The exposed schema is the same for everyone, and looking for a name in it takes the data API long.
        in_turn = list(ROLE_OF)[nth % len(ROLE_OF)]
        for actor, headers in [(in_turn, {}), *((actor, profile) for actor in ROLE_OF)]:
            if name.startswith("rpc/"):
                answer = people[actor].http.post(f"/rest/v1/{name}", json={}, headers=headers)
            else:
                answer = people[actor].http.get(f"/rest/v1/{name}", headers=headers)
            assert answer.status_code in REFUSED | {406}, (actor, name, answer.text)


def test_a_record_moved_through_the_api_moves_between_days(
    people: dict[str, Person], job: Connection, owner: UUID
) -> None:
    person = people["owner"].http
    job.execute("delete from public.subscriptions where workspace_id = %s", [owner])
    job.execute("select public.refresh_cost_records_daily()")
    answer = person.patch(
        f"/rest/v1/cost_records?workspace_id=eq.{owner}", json={"timestamp": "2026-05-09T12:00:00Z"}
    )
    assert answer.status_code == 204
    assert person.post("/rest/v1/rpc/daily_costs", json={}).json()["date"] == ["2026-05-09"]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_a_forged_token_is_refused(people: dict[str, Person], token: str) -> None:
    answer = people["anon"].http.get("/rest/v1/cost_records", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
