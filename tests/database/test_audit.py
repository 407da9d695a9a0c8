"""The audit log of a user's keys: readable by that user, changeable by no one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.database.access import insert, sample_row
from tests.database_fixtures import Connection

Act = Callable[[UUID], Connection]


@pytest.fixture
def credential(database: Connection, as_user: Act, user: UUID) -> Connection:
    """The connection of a user who has added a provider key."""
    person = as_user(user)
    person.execute(insert("api_credentials", sample_row(database, "api_credentials", user)))
    return person


def entries(connection: Connection) -> list[dict[str, Any]]:
    """The entries that the caller may read, oldest first."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute("select * from public.audit_logs order by created_at, id").fetchall()


def test_adding_a_key_is_logged(credential: Connection, user: UUID) -> None:
    (entry,) = entries(credential)
    row = credential.execute("select id from public.api_credentials").fetchone()
    assert row is not None
    assert (entry["action"], entry["table_name"], entry["row_id"]) == ("insert", "api_credentials", row[0])
    assert (entry["actor"], entry["actor_id"], entry["user_id"]) == ("person", user, user)
    assert entry["metadata"] == {
        "credential_name": "laptop",
        "provider": "openai",
        "is_active": True,
        "validation_status": "pending",
    }


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ("credential_name = 'desk'", ["credential_name"]),
        (
            "encrypted_api_key = 'v1.other', encryption_key_id = 'second'",
            ["encrypted_api_key", "encryption_key_id"],
        ),
        ("is_active = false", ["is_active"]),
    ],
)
def test_a_change_names_its_columns(credential: Connection, change: str, columns: list[str]) -> None:
    credential.execute(f"update public.api_credentials set {change}")
    entry = entries(credential)[-1]
    assert (entry["action"], entry["changed_columns"]) == ("update", columns)


def test_a_refused_key_is_logged(credential: Connection) -> None:
    credential.execute(
        "select public.report_sync(id, 'invalid', false, 'no', now()) from public.api_credentials"
    )
    entry = entries(credential)[-1]
    assert (entry["action"], entry["changed_columns"]) == ("update", ["validation_status"])


def test_first_check_of_a_key_belongs_to_adding_it(credential: Connection) -> None:
    for status in ("valid", "invalid", "valid"):
        credential.execute(
            "select public.report_sync(id, %s, false, null, now()) from public.api_credentials", [status]
        )

    logged = [(entry["action"], entry["metadata"]["validation_status"]) for entry in entries(credential)]
    assert logged == [("insert", "pending"), ("update", "invalid"), ("update", "valid")]


def test_routine_syncing_is_not_logged(credential: Connection) -> None:
    for _ in range(3):
        credential.execute("update public.api_credentials set metadata = '{\"cursor\": 1}', is_active = true")
        credential.execute(
            "select public.report_sync(id, null, true, 'slow', now() + interval '1 day')"
            " from public.api_credentials"
        )
    row = credential.execute(
        "select last_error, last_sync_at > now() - interval '1 hour' from public.api_credentials"
    )
    assert row.fetchone() == ("slow", True)
    assert [entry["action"] for entry in entries(credential)] == ["insert"]


def test_deleting_a_key_is_logged_permanently(credential: Connection) -> None:
    credential.execute("delete from public.api_credentials")
    assert [entry["action"] for entry in entries(credential)] == ["insert", "delete"]
    assert entries(credential)[-1]["metadata"]["credential_name"] == "laptop"


def test_log_contains_neither_secret_nor_ciphertext(credential: Connection, database: Connection) -> None:
    for envelope in ("v1.first", "v1.second"):
        credential.execute("update public.api_credentials set encrypted_api_key = %s", [envelope])
    credential.execute("delete from public.api_credentials")
    found = database.execute("select string_agg(a::text, ' ') from public.audit_logs as a").fetchone()
    assert found is not None
    assert "encrypted_api_key" in found[0]
    assert not any(envelope in found[0] for envelope in ('"encrypted"', "v1.first", "v1.second"))


def test_log_names_the_actor(
    credential: Connection, service: Connection, database: Connection, user: UUID
) -> None:
    service.execute("update public.api_credentials set is_active = false")
    database.execute("update public.api_credentials set is_active = true")
    database.execute("select set_config('request.jwt.claims', %s, false)", [f'{{"sub": "{user}"}}'])
    database.execute("update public.api_credentials set is_active = false")
    assert [(entry["actor"], entry["actor_id"]) for entry in entries(credential)] == [
        ("person", user),
        ("service", None),
        ("operator", None),
        ("operator", user),
    ]


def test_a_stranger_reads_nothing(credential: Connection, as_user: Act, stranger: UUID) -> None:
    assert len(entries(credential)) == 1
    assert entries(as_user(stranger)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "delete from public.audit_logs",
        "update public.audit_logs set actor = 'operator'",
        "insert into public.audit_logs (workspace_id, user_id, actor, action, table_name)"
        " select workspace_id, user_id, 'person', 'update', 'api_credentials' from public.api_credentials",
        "truncate public.audit_logs",
    ],
)
def test_no_api_role_changes_the_log(
    credential: Connection, service: Connection, anon: Connection, statement: str
) -> None:
    for connection in (credential, service, anon):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    assert len(entries(credential)) == 1


def test_log_is_deleted_with_the_account(credential: Connection, database: Connection, user: UUID) -> None:
    credential.execute("select public.delete_own_account(%s)", [f"{user}@example.org"])
    assert database.execute("select count(*) from public.audit_logs").fetchone() == (0,)
