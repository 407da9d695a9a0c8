"""Connections: a key is tried before it is kept, kept sealed, and gone when it is deleted."""

from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from tally.catalog.providers import PROVIDERS
from tally.connectors.connections import (
    APIS,
    Connection,
    ConnectionRefused,
    NewConnection,
    add_connection,
    delete_connection,
    list_connections,
    open_key,
    set_active,
)
from tally.connectors.errors import ConnectorError, KeyRefused, Unavailable
from tally.core.errors import TallyError
from tally.local.stack import Stack
from tally.storage.database import Database, Query
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault
from tests.tally.connectors.people import connect, open_ring, reread, sources, spent, stored, sync
from tests.tally.people import Person, over_http, sign_up

pytestmark = pytest.mark.usefixtures("aimed")


def try_key(database: Database, person: Person, provider: str, key: str, name: str = "Main") -> Connection:
    new = NewConnection(provider, name, SecretStr(key))
    return add_connection(database, open_ring(), UUID(person.user_id), new, QUICK)


def everything_stored(stack: Stack, person: Person) -> str:
    """All that the database holds about the person's keys, in one text."""
    with psycopg.connect(stack.settings()["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "select to_jsonb(c)::text from public.api_credentials as c where user_id = %(user)s"
            " union all select to_jsonb(i)::text from public.imports as i where user_id = %(user)s"
            " union all select to_jsonb(a)::text from public.audit_logs as a where user_id = %(user)s"
            " union all select to_jsonb(r)::text from public.cost_records as r where user_id = %(user)s",
            {"user": person.user_id},
        ).fetchall()
    return "\n".join(text for (text,) in rows)


@pytest.mark.parametrize("provider", APIS)
def test_a_good_key_is_kept_sealed_and_opens_again(
    stack: Stack, database: Database, person: Person, provider: str
) -> None:
    connection = connect(database, person, provider, f"My {PROVIDERS[provider]}")
    assert list_connections(database) == [connection]
    assert (connection.provider, connection.validation_status) == (provider, "valid")
    assert open_key(database, open_ring(), connection).get_secret_value() == KEYS[provider]
    sync(database, connection)
    assert KEYS[provider] not in everything_stored(stack, person)
    assert KEYS[provider] not in repr(connection)


def test_spaces_around_a_pasted_key_do_not_matter(database: Database, person: Person) -> None:
    connection = try_key(database, person, "openai", f"  {KEYS['openai']}\n")
    assert open_key(database, open_ring(), connection).get_secret_value() == KEYS["openai"]


@pytest.mark.parametrize("provider", APIS)
def test_a_bad_key_is_not_kept(database: Database, person: Person, provider: str) -> None:
    with pytest.raises(KeyRefused, match="key"):
        try_key(database, person, provider, "sk-proj-not-an-admin-key")
    assert list_connections(database) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(500), Unavailable),
        (Fault(429, headers={"retry-after": "3600"}), Unavailable),
        (Fault(body=b"<html>", content_type="text/html"), ConnectorError),
        (Fault(body=b'{"data'), ConnectorError),
        (Fault(400), ConnectorError),
        (Fault(302, headers={"location": "https://example.com"}), ConnectorError),
    ],
)
def test_a_key_that_could_not_be_tried_is_not_kept(
    aimed: FakeProviders, database: Database, person: Person, fault: Fault, kind: type[ConnectorError]
) -> None:
    aimed.fail("", *[fault] * 5)
    with pytest.raises(kind):
        connect(database, person, "openai")
    assert list_connections(database) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_a_connection_needs_a_name(
    aimed: FakeProviders, database: Database, person: Person, name: str
) -> None:
    with pytest.raises(ConnectionRefused, match="name"):
        connect(database, person, "openai", name)
    assert aimed.asked == []


def test_a_name_is_taken_once_at_a_provider(database: Database, person: Person) -> None:
    connect(database, person, "openai", "Work")
    connect(database, person, "openrouter", "Work")
    with pytest.raises(ConnectionRefused, match="already"):
        connect(database, person, "openai", "Work", account="second")


def test_a_second_account_at_a_provider_has_to_be_told_apart(database: Database, person: Person) -> None:
    first = connect(database, person, "openai", "Home")
    with pytest.raises(ConnectionRefused, match="name that account"):
        connect(database, person, "openai", "Work")
    second = connect(database, person, "openai", "Work", account="work")
    for connection in (first, second):
        assert sync(database, connection).error is None
    ledgers = {row["metadata"]["ledger"] for row in stored(database)}
    assert ledgers == {"openai", "openai:work"}


def test_a_stranger_sees_no_connection_and_opens_no_key(
    stack: Stack, database: Database, person: Person
) -> None:
    connection = connect(database, person, "openai")
    stranger = over_http(stack, sign_up(stack))
    assert list_connections(stranger) == []
    with pytest.raises(ConnectionRefused, match="deleted"):
        open_key(stranger, open_ring(), connection)
    delete_connection(stranger, connection, with_spend=True)
    assert list_connections(database) == [connection]


def test_nobody_can_aim_a_key_at_another_host(
    aimed: FakeProviders, database: Database, person: Person
) -> None:
    openai = next(
        row for row in database.select(Query("providers", "id,name", ["name"])) if row["name"] == "openai"
    )
    with pytest.raises(TallyError):
        database.update("providers", openai["id"], {"api_base_url": "https://example.com"})
    assert connect(database, person, "openai").base_url == aimed.base_url("openai")


def test_a_paused_connection_is_not_due(database: Database, person: Person) -> None:
    connection = connect(database, person, "openrouter")
    now = connection.created_at
    assert connection.is_due(now)
    set_active(database, connection, is_active=False)
    assert not reread(database, connection).is_due(now)
    set_active(database, connection, is_active=True)
    assert reread(database, connection).is_due(now)


@pytest.mark.parametrize("with_spend", [False, True])
def test_deleting_keeps_the_spend_unless_it_is_to_go_too(
    database: Database, person: Person, with_spend: bool
) -> None:
    connection = connect(database, person, "openrouter")
    sync(database, connection)
    before = spent(database)
    assert before > 0
    delete_connection(database, reread(database, connection), with_spend)
    assert list_connections(database) == []
    assert spent(database) == (0 if with_spend else before)
    assert len(sources(database)) == (0 if with_spend else 1)


def test_a_key_that_is_connected_again_finds_its_spend_and_adds_none(
    database: Database, person: Person
) -> None:
    first = connect(database, person, "openrouter")
    sync(database, first)
    before = spent(database)
    delete_connection(database, first, with_spend=False)
    again = connect(database, person, "openrouter")
    assert sync(database, again).error is None
    assert spent(database) == before
