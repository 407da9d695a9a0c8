"""Members of one workspace cannot change what another brought."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project, add_user, make_months

Act = Callable[[UUID], Connection]


@pytest.fixture
def workspace(database: Connection, user: UUID, stranger: UUID) -> UUID:
    """A workspace of two members and an admin who owns it."""
    workspace_id = uuid4()
    database.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [workspace_id])
    for member, role in ((add_user(database), "owner"), (user, "member"), (stranger, "member")):
        database.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
            [workspace_id, member, role],
        )
    return workspace_id


@pytest.fixture
def author(as_user: Act, user: UUID) -> Connection:
    """The member who brought the records."""
    return as_user(user)


@pytest.fixture
def other(as_user: Act, stranger: UUID) -> Connection:
    """The member who did not."""
    return as_user(stranger)


def save(person: Connection, workspace: UUID, import_id: UUID | None, *records: dict[str, Any]) -> Any:
    found = person.execute(
        "select public.save_cost_records(%s, %s, %s)", [import_id, json.dumps(records), workspace]
    ).fetchone()
    assert found is not None
    return found[0]


def add_import(person: Connection, workspace: UUID) -> UUID:
    query = """insert into public.imports (workspace_id, filename, format, file_sha256)
        values (%s, 'f', 'f', repeat('0', 64)) returning id"""
    [[import_id]] = person.execute(query, [workspace]).fetchall()
    assert isinstance(import_id, UUID)
    return import_id


def costs(database: Connection) -> list[tuple[Any, ...]]:
    return database.execute("select user_id, cost_usd from public.cost_records order by 2").fetchall()


@pytest.mark.parametrize("enabled", [True, False])
def test_nobody_saves_into_the_source_of_another(
    database: Connection, author: Connection, other: Connection, workspace: UUID, user: UUID, enabled: bool
) -> None:
    source, known = add_import(author, workspace), record(cost_usd="1")
    save(author, workspace, source, known)
    author.execute("update public.imports set is_enabled = %s", [enabled])
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="This import no longer exists"):
        save(other, workspace, source, known | {"cost_usd": "99"}, record(cost_usd="2"))
    author.execute("update public.imports set is_enabled = true")
    assert costs(database) == [(user, 1)]


def test_nobody_adds_records_to_the_source_of_another(
    database: Connection, author: Connection, other: Connection, workspace: UUID, user: UUID
) -> None:
    source = add_import(author, workspace)
    query = """insert into public.cost_records
            (workspace_id, import_id, provider_id, timestamp, model_name, cost_usd)
        select %s, %s, id, '2026-05-01', 'm', 1 from public.providers where name = 'openai'"""
    make_months(database, "2026-05-01")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(query, [workspace, source])
    assert costs(database) == []
    author.execute(query, [workspace, source])
    assert costs(database) == [(user, 1)]


def test_only_admins_add_the_source_of_a_connection(
    database: Connection, other: Connection, as_user: Act, workspace: UUID
) -> None:
    [[owner]] = database.execute(
        "select user_id from public.members where role = 'owner' and workspace_id = %s", [workspace]
    ).fetchall()
    [[connection]] = database.execute(
        """insert into public.api_credentials
            (workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
        select %s, %s, id, 'n', 'e', 'k' from public.providers where name = 'openai' returning id""",
        [workspace, owner],
    ).fetchall()
    query = """insert into public.imports (workspace_id, kind, filename, format, credential_id)
        values (%s, 'connection', 'f', 'f', %s)"""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(query, [workspace, connection])
    as_user(owner).execute(query, [workspace, connection])


@pytest.mark.parametrize("request_id", [None, "req-1"])
def test_a_manual_entry_is_restated_by_its_author_only(
    database: Connection,
    author: Connection,
    other: Connection,
    workspace: UUID,
    user: UUID,
    request_id: str | None,
) -> None:
    known = record(cost_usd="1", request_id=request_id)
    save(author, workspace, None, known)
    answer = save(other, workspace, None, known | {"cost_usd": "99", "input_tokens": 999})
    assert (answer["inserted"], answer["restated"]) == (0, 0)
    assert costs(database) == [(user, 1)]
    assert save(author, workspace, None, known | {"cost_usd": "3", "input_tokens": 999})["restated"] == 1
    assert costs(database) == [(user, 3)]


def test_a_member_prices_only_own_estimates(
    database: Connection, author: Connection, other: Connection, as_user: Act, workspace: UUID, user: UUID
) -> None:
    save(author, workspace, None, record(cost_usd=None, cost_basis="estimated"))
    query = "select user_id from public.members where role = 'owner' and workspace_id = %s"
    [[owner]] = database.execute(query, [workspace]).fetchall()
    query = "select public.list_estimates('2020-01-01', null, 9, %s)"
    assert other.execute(query, [workspace]).fetchone() == ([],)
    [[page]] = as_user(owner).execute(query, [workspace]).fetchall()
    change = {
        "id": page[0]["id"],
        "timestamp": page[0]["timestamp"],
        "was_usd": None,
        "cost_usd": "7",
        "price": {},
    }
    call = "select public.apply_prices(gen_random_uuid(), %s, %s) ->> 'applied'"
    assert other.execute(call, [json.dumps([change]), workspace]).fetchone() == ("0",)
    assert costs(database) == [(user, None)]
    assert as_user(owner).execute(call, [json.dumps([change]), workspace]).fetchone() == ("1",)
    assert costs(database) == [(user, 7)]


def test_records_of_an_author_who_is_gone_can_change(
    project: Project, database: Connection, author: Connection, workspace: UUID, user: UUID
) -> None:
    save(author, workspace, None, record(cost_usd="1", day="2026-05-01"))
    with project.connect("supabase_admin") as admin:
        admin.execute("set session_replication_role = replica")
        admin.execute("delete from auth.users where id = %s", [user])
    database.execute("update public.workspaces set timezone = 'Pacific/Auckland' where id = %s", [workspace])
    assert costs(database) == [(user, 1)]


def test_references_stay_in_their_workspace(
    author: Connection, other: Connection, workspace: UUID, user: UUID, stranger: UUID
) -> None:
    own, theirs = add_import(author, workspace), add_import(other, stranger)
    query = """insert into public.cost_records
            (workspace_id, provider_id, import_id, timestamp, model_name, cost_usd)
        select %s, id, %s, '2026-05-01', 'm', 1 from public.providers where name = 'openai'"""
    author.execute("select public.ensure_months(array[date '2026-05-01'])")
    for workspace_id, import_id in ((user, own), (user, theirs)):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            author.execute(query, [workspace_id, import_id])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        author.execute(query, [workspace, theirs])
    author.execute(query, [workspace, own])


def test_a_source_takes_no_connection_of_another_workspace(
    database: Connection, author: Connection, other: Connection, workspace: UUID
) -> None:
    database.execute("update public.members set role = 'admin' where role = 'member'")
    [[theirs]] = other.execute(
        """insert into public.api_credentials
            (provider_id, credential_name, encrypted_api_key, encryption_key_id)
        select id, 'n', 'e', 'k' from public.providers where name = 'openai' returning id"""
    ).fetchall()
    for workspace_id in (None, workspace):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            author.execute(
                """insert into public.imports (workspace_id, kind, filename, format, credential_id)
                values (coalesce(%s, auth.uid()), 'connection', 'f', 'f', %s)""",
                [workspace_id, theirs],
            )


def test_a_file_of_one_member_does_not_stand_for_the_same_file_of_another(
    database: Connection, author: Connection, other: Connection, workspace: UUID, stranger: UUID
) -> None:
    known = record(cost_usd="1")
    save(author, workspace, add_import(author, workspace), known)
    signed = """update public.imports set status = 'done', metadata = '{"signature": "s"}'"""
    author.execute(signed)
    same = "select public.find_same_import(repeat('0', 64), 's', 1, %s) is not null"
    assert author.execute(same, [workspace]).fetchone() == (True,)
    assert other.execute(same, [workspace]).fetchone() == (False,)
    save(other, workspace, add_import(other, workspace), known)
    author.execute("delete from public.imports")
    assert costs(database) == [(stranger, 1)]


@pytest.mark.parametrize("role", ["member", "admin"])
def test_the_source_of_a_connection_is_changed_by_admins_only(
    database: Connection, author: Connection, workspace: UUID, user: UUID, role: str
) -> None:
    set_role = "update public.members set role = %s where user_id = %s and workspace_id = %s"
    database.execute(set_role, ["admin", user, workspace])
    [[connection]] = author.execute(
        """insert into public.api_credentials
            (workspace_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
        select %s, id, 'n', 'e', 'k' from public.providers where name = 'openai' returning id""",
        [workspace],
    ).fetchall()
    [[source]] = author.execute(
        """insert into public.imports (workspace_id, kind, filename, format, credential_id)
        values (%s, 'connection', 'f', 'f', %s) returning id""",
        [workspace, connection],
    ).fetchall()
    save(author, workspace, source, record(cost_usd="1"))
    database.execute(set_role, [role, user, workspace])
    changes = [
        "update public.imports set is_enabled = false",
        "update public.cost_records set cost_usd = 2",
        "delete from public.cost_records",
        "delete from public.imports",
    ]
    assert [author.execute(change.encode()).rowcount for change in changes] == (
        [0, 0, 0, 0] if role == "member" else [1, 0, 0, 1]
    )
    if role == "member":
        assert author.execute("select public.delete_source(%s)", [source]).fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no longer exists"):
            author.execute("select public.set_source_enabled(%s, false)", [source])
        assert costs(database) == [(user, 1)]
