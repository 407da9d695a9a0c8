"""Ids of another workspace, sent through the gateway and PostgREST: no row comes to refer to them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.access import OUTSIDERS, ROLES, another_row, insert
from tests.database.test_access_through_rest import Person, as_json
from tests.database.test_team_access_through_rest import filled, job, people
from tests.database_fixtures import Connection

__all__ = ["job", "people"]

# Columns that the API writes and that refer to something of a workspace; those of records, triggers check.
REFERRING = """
select c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text
from pg_constraint as c
cross join lateral unnest(c.conkey) as k (attnum)
inner join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum
where
    c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.conparentid = 0
    and a.attname <> 'workspace_id' and c.confrelid <> 'public.providers'::regclass
    and has_column_privilege('authenticated', c.conrelid, a.attnum, 'insert')
union
values
    ('cost_records', 'project_id', 'projects'),
    ('cost_records', 'import_id', 'imports'),
    ('cost_records', 'user_id', 'auth.users')
order by 1, 2"""
OF_ONE_ACCOUNT = {"user_preferences"}
CHANNEL = {"kind": "slack", "name": "Mine", "sealed_target": "x", "encryption_key_id": "k"}
CALLS = (
    ("save_channel", {"channel": "channels", "details": CHANNEL}),
    ("pause_channel", {"channel": "channels", "is_paused": True}),
    ("remove_channel", {"channel": "channels"}),
    ("test_channel", {"channel": "channels"}),
    ("set_member_limit", {"person": "auth.users", "monthly_usd": "5", "monthly_tokens": None}),
)


@pytest.fixture
def theirs(people: dict[str, Person], job: Connection) -> Iterator[UUID]:
    """A workspace of the stranger, with what could be referred to."""
    workspace_id, stranger = uuid4(), people["stranger"].user_id
    assert stranger
    job.execute("insert into public.workspaces (id, name) values (%s, 'Theirs')", [workspace_id])
    member = "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')"
    job.execute(member, [workspace_id, stranger])
    for table in ("projects", "imports", "api_credentials", "budgets", "channels"):
        job.execute(insert(table, another_row(job, table, stranger, workspace_id)))
    yield workspace_id
    job.execute("delete from public.workspaces where id = %s", [workspace_id])


def find(job: Connection, table: str, workspace: UUID) -> UUID:
    """Something of a workspace; of users, a member."""
    query = f"select id from public.{table} where workspace_id = %s limit 1"
    if table in ("auth.users", "members"):
        query = "select user_id from public.members where workspace_id = %s limit 1"
    [[found]] = job.execute(query.encode(), [workspace]).fetchall()
    assert isinstance(found, UUID)
    return found


def write(person: Person, method: str, path: str, body: dict[str, Any]) -> tuple[bool, str]:
    """True if a request reached a row, and the answer."""
    answer = person.http.request(
        method, f"/rest/v1/{path}", json=as_json(body), headers={"Prefer": "return=representation"}
    )
    assert answer.status_code < 500, answer.text
    return answer.status_code < 300 and answer.json() != [], answer.text


@pytest.mark.parametrize("actor", [*ROLES, *OUTSIDERS, "anon"])
def test_ids_of_another_workspace_are_refused_in_every_table(
    people: dict[str, Person], job: Connection, theirs: UUID, actor: str
) -> None:
    person = people[actor]
    author = person.user_id or people["owner"].user_id
    assert author
    references = [one for one in job.execute(REFERRING).fetchall() if one[0] not in OF_ONE_ACCOUNT]
    assert {"budgets", "budget_thresholds", "budget_channels", "cost_records"} <= {
        one[0] for one in references
    }
    with filled({name: one for name, one in people.items() if name != "stranger"}, job) as workspace:
        for table, column, target in references:
            row = another_row(job, table, author, workspace)
            if actor == "owner" and table != "user_preferences":
                assert write(person, "POST", table, row)[0], (table, "is refused without it, too")
                row = another_row(job, table, author, workspace)
            foreign = find(job, target, theirs)
            own = f"{table}?workspace_id=eq.{workspace}"
            for method, path, body in (
                ("POST", table, row | {column: foreign}),
                ("POST", table, row | {"workspace_id": theirs}),
                ("PATCH", own, {column: foreign}),
                ("PATCH", own, {"workspace_id": theirs}),
            ):
                if actor == "stranger" and body.get("workspace_id") == theirs:
                    continue
                reached, answer = write(person, method, path, body)
                assert not reached, (table, column, method, answer)
            query = f"select count(*) from public.{table} where workspace_id = %s and {column} = %s"
            assert job.execute(query.encode(), [workspace, foreign]).fetchone() == (0,), (table, column)


@pytest.mark.parametrize("actor", [*ROLES, "former", "invited", "anon"])
def test_calls_reach_nothing_of_another_workspace(
    people: dict[str, Person], job: Connection, theirs: UUID, actor: str
) -> None:
    state = "select c::text from public.channels as c where workspace_id = %s"
    before = job.execute(state, [theirs]).fetchall()
    with filled({name: one for name, one in people.items() if name != "stranger"}, job) as workspace:
        for function, arguments in CALLS:
            values: dict[str, Any] = {
                name: str(find(job, value, theirs)) if value in ("channels", "auth.users") else value
                for name, value in arguments.items()
            }
            for tenant in (
                (workspace, theirs) if function in ("save_channel", "set_member_limit") else (None,)
            ):
                given = values | ({"workspace": str(tenant)} if tenant else {})
                answer = people[actor].http.post(f"/rest/v1/rpc/{function}", json=given)
                assert 400 <= answer.status_code < 500, (function, answer.text)
    assert job.execute(state, [theirs]).fetchall() == before
    limits = "select from public.budgets where workspace_id = %s and user_id is not null"
    assert job.execute(limits, [theirs]).rowcount == 0
