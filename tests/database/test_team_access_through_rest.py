"""The matrix of a shared workspace through the gateway and PostgREST: roles, outsiders, services."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tally.local.stack import Stack
from tests.database.access import (
    COMMANDS,
    EXECUTED_BY,
    OF_ONE_USER,
    OUTSIDERS,
    READ_BY_EVERYONE,
    READABLE,
    ROLES,
    another_row,
    count_rows,
    expected,
    expected_of_outsider,
    expected_of_role,
    fill_workspace,
    list_tables,
)
from tests.database.test_access_through_rest import KEY, REFUSED, Person, as_json
from tests.database_fixtures import Connection

ACTORS = (*ROLES, *OUTSIDERS, "anon", "service")


@pytest.fixture(scope="module")
def people(stack: Stack) -> dict[str, Person]:
    """Everybody at the real gateway."""
    settings = stack.settings()
    url, public = settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]
    signed_in = {role: Person(url, public, f"{uuid4()}@example.org") for role in (*ROLES, *OUTSIDERS)}
    return signed_in | {"anon": Person(url, public), "service": Person(url, settings["SUPABASE_SECRET_KEY"])}


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[Connection]:
    """The stack's database as the job sees it."""
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@contextmanager
def filled(people: dict[str, Person], job: Connection) -> Iterator[UUID]:
    """A shared workspace of these people, filled."""
    workspace_id = uuid4()
    fill_workspace(
        job, workspace_id, {role: person.user_id for role, person in people.items() if person.user_id}
    )
    yield workspace_id
    job.execute("delete from public.workspaces where id = %s", [workspace_id])


@pytest.fixture(scope="module")
def unchanged(people: dict[str, Person], job: Connection) -> Iterator[UUID]:
    """A workspace for all tests that change nothing; filling one takes 0.2 s of CPU."""
    with filled(people, job) as made:
        yield made


def send(person: Person, command: str, table: str, row: dict[str, Any], workspace: UUID) -> int | None:
    """The number of rows that a request reaches; None where it is refused."""
    path = (
        f"/rest/v1/{table}?{KEY.get(table, 'workspace_id')}=eq.{workspace}&select={READABLE.get(table, '*')}"
    )
    method = {"select": "GET", "insert": "POST", "update": "PATCH", "delete": "DELETE"}[command]
    body = {"insert": as_json(row), "update": {"metadata": {"seen": True}}}.get(command)
    if command == "insert":
        path = f"/rest/v1/{table}"
    answer = person.http.request(method, path, json=body, headers={"Prefer": "return=representation"})
    if answer.status_code in REFUSED:
        return None
    if answer.status_code == 409 or '"code":"23514"' in answer.text:
        return 1  # allowed, and refused only because of other rows
    assert answer.status_code in {200, 201}, answer.text
    return len(answer.json())


def outcome_of(actor: str, table: str, command: str) -> str:
    """The declared outcome; a service reaches all rows."""
    if actor in ROLES:
        return expected_of_role(actor, table, command)
    if actor in OUTSIDERS:
        return expected_of_outsider(table, command)
    return {"own": "all"}.get(outcome := expected(actor, table, command), outcome)


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "select"])
def test_every_table_of_a_workspace_is_changed_as_declared(
    people: dict[str, Person], job: Connection, unchanged: UUID, actor: str, command: str
) -> None:
    outcomes = {outcome_of(actor, table, command) for table in list_tables_of_workspaces(job)}
    nothing_changes = outcomes <= {"denied", "nothing"}  # which is checked for each table
    with nullcontext(unchanged) if nothing_changes else filled(people, job) as workspace:
        assert_answers(people, job, workspace, actor, command)


@pytest.mark.parametrize("actor", ACTORS)
def test_every_table_of_a_workspace_is_read_as_declared(
    people: dict[str, Person], job: Connection, unchanged: UUID, actor: str
) -> None:
    assert_answers(people, job, unchanged, actor, "select")


def list_tables_of_workspaces(job: Connection) -> set[str]:
    """The tables with rows of a workspace."""
    return set(list_tables(job)) - READ_BY_EVERYONE - OF_ONE_USER


def assert_answers(
    people: dict[str, Person], job: Connection, workspace: UUID, actor: str, command: str
) -> None:
    """Send one command to every table, and compare the rows that it reaches with the declared ones."""
    # What others refer to comes last.
    for table in sorted(
        list_tables_of_workspaces(job), key=lambda name: (name in ("workspaces", "projects", "members"), name)
    ):
        author = people[actor].user_id or people["owner"].user_id
        assert author
        row = another_row(job, table, author, workspace) if command == "insert" else {}
        row |= {"user_id": people["stranger"].user_id} if table == "members" else {}
        rows: dict[str, int | None] = {"denied": None, "nothing": 0}
        outcome = outcome_of(actor, table, command)
        if command == "insert":
            rows |= {"own": 1, "all": 1}
        elif outcome == "own":
            rows["own"] = count_rows(job, table, workspace, author)
        if command != "insert":
            rows["all"] = count_rows(job, table, workspace)
        if (actor, table, command) == ("service", "members", "delete"):
            rows["all"] = 1  # the last owner stays
        before = count_rows(job, table, workspace)
        assert send(people[actor], command, table, row, workspace) == rows[outcome], table
        if outcome in ("denied", "nothing"):
            assert count_rows(job, table, workspace) == before


@pytest.mark.parametrize("actor", [*OUTSIDERS, "anon", "service"])
def test_functions_of_a_workspace_refuse_outsiders(
    people: dict[str, Person], job: Connection, unchanged: UUID, actor: str
) -> None:
    functions = job.execute(
        """select proname, proargnames[1:pronargs] from pg_proc
        where pronamespace = 'public'::regnamespace and 'workspace' = any (proargnames)"""
    ).fetchall()
    assert len(functions) > 25
    for name, arguments in functions:
        values = dict.fromkeys(arguments) | {"workspace": str(unchanged)}
        answer = people[actor].http.post(f"/rest/v1/rpc/{name}", json=values)
        assert answer.status_code in REFUSED, (name, answer.text)
        told = "permission denied for function" if actor in ("anon", "service") else "You are not a member"
        assert told in answer.text, (name, answer.text)
        assert actor in OUTSIDERS or "service_role" not in EXECUTED_BY[name]


def test_a_workspace_lives_through_the_api(people: dict[str, Person], job: Connection) -> None:
    """From its creation to its deletion, with people who join and leave."""

    def ask(actor: str, function: str, **values: object) -> Any:
        answer = people[actor].http.post(f"/rest/v1/rpc/{function}", json=values)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else None

    def workspaces_of_member() -> list[str]:
        return [one["name"] for one in ask("member", "list_workspaces")]

    before = workspaces_of_member()
    assert before[0] == "Personal"
    workspace = ask("owner", "create_workspace", name="Lab", timezone="Europe/Berlin", currency="EUR")
    email = job.execute("select email from auth.users where id = %s", [people["member"].user_id]).fetchone()
    assert email
    invitation = ask("owner", "invite", workspace=workspace, email=email[0], role="member")
    assert ask("member", "describe_invitation", token=invitation["token"])["workspace"] == "Lab"
    assert ask("member", "accept_invitation", token=invitation["token"]) == workspace
    person = str(people["member"].user_id)
    ask(
        "owner", "set_member_limit",
        workspace=workspace, person=person, monthly_usd="20.5", monthly_tokens=None,
    )  # fmt: skip
    listed = {row["user_id"]: row for row in ask("member", "list_people", workspace=workspace)}
    assert (listed[person]["role"], listed[person]["monthly_usd"]) == ("member", "20.5")
    ask("owner", "set_role", workspace=workspace, person=person, role="owner")
    ask("owner", "leave_workspace", workspace=workspace)
    ask(
        "member",
        "update_workspace",
        workspace=workspace,
        name="Lab 2",
        timezone=None,
        currency=None,
        person_split="own",
    )
    log = ask("member", "search_audit_log", workspace=workspace, search="", before=None, at_most=50)
    assert [row["action"] for row in log] == [
        "update", "leave", "update", *["insert"] * 4, "join", "invite", "join", "insert",
    ]  # fmt: skip
    assert log[0]["user_agent"].startswith("python-httpx")
    assert sorted(workspaces_of_member()) == sorted([*before, "Lab 2"])
    ask("member", "delete_workspace", workspace=workspace, name="Lab 2")
    assert workspaces_of_member() == before
