"""Connections: keys are checked before they are stored, stored encrypted, and deleted with them."""

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
from tests.shared_connections import operator_connection
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault
from tests.tally.connectors.users import connect, load_ring, reread, sources, spent, stored, sync
from tests.tally.people import Person, over_http, sign_up

pytestmark = pytest.mark.usefixtures("apis", "two_months")


def add_with_key(database: Database, provider: str, key: str, name: str = "Main") -> Connection:
    new = NewConnection(provider, name, SecretStr(key))
    return add_connection(database, load_ring(), new, QUICK)


def dump_credentials(stack: Stack, user: Person) -> str:
    """Return everything the database stores about the account's keys as one text."""
    with operator_connection(stack) as connection:
        rows = connection.execute(
            "select to_jsonb(c)::text from public.api_credentials as c where user_id = %(user)s"
            " union all select to_jsonb(i)::text from public.imports as i where user_id = %(user)s"
            " union all select to_jsonb(a)::text from public.audit_logs as a where user_id = %(user)s"
            " union all select to_jsonb(r)::text from public.cost_records as r where user_id = %(user)s",
            {"user": user.user_id},
        ).fetchall()
    return "\n".join(text for (text,) in rows)


@pytest.mark.parametrize("provider", APIS)
def test_accepted_key_is_stored_encrypted_and_can_be_decrypted(
    stack: Stack, database: Database, user: Person, provider: str
) -> None:
    connection = connect(database, provider, f"My {PROVIDERS[provider]}")
    assert list_connections(database) == [connection]
    assert (connection.provider, connection.validation_status) == (provider, "valid")
    assert open_key(database, load_ring(), connection).get_secret_value() == KEYS[provider]
    sync(database, connection)
    assert KEYS[provider] not in dump_credentials(stack, user)
    assert KEYS[provider] not in repr(connection)


def test_spaces_around_a_pasted_key_are_removed(database: Database) -> None:
    connection = add_with_key(database, "openai", f"  {KEYS['openai']}\n")
    assert open_key(database, load_ring(), connection).get_secret_value() == KEYS["openai"]


@pytest.mark.parametrize("provider", APIS)
def test_refused_key_is_not_stored(database: Database, provider: str) -> None:
    with pytest.raises(KeyRefused, match="key"):
        add_with_key(database, provider, "sk-not-an-admin-key")
    assert list_connections(database) == []


@pytest.mark.parametrize("provider", APIS)
@pytest.mark.parametrize("other", APIS)
def test_key_of_another_provider_is_never_sent(
    apis: FakeProviders, database: Database, provider: str, other: str
) -> None:
    if provider == other:
        assert add_with_key(database, provider, KEYS[provider]).provider == provider
        return
    with pytest.raises(KeyRefused, match=f"those of {APIS[other].title}, not of {APIS[provider].title}"):
        add_with_key(database, provider, f" {KEYS[other]}")
    assert apis.requests == []
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
def test_unchecked_key_is_not_stored(
    apis: FakeProviders, database: Database, fault: Fault, kind: type[ConnectorError]
) -> None:
    apis.fail("", *[fault] * 5)
    with pytest.raises(kind) as refused:
        connect(database, "openai")
    assert list_connections(database) == []
    assert "next sync" not in str(refused.value)
    assert "sync again" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_connection_needs_a_name(apis: FakeProviders, database: Database, name: str) -> None:
    with pytest.raises(ConnectionRefused, match="name"):
        connect(database, "openai", name)
    assert apis.requests == []


def test_names_are_unique_per_provider(database: Database) -> None:
    connect(database, "openai", "Work")
    connect(database, "openrouter", "Work")
    with pytest.raises(ConnectionRefused, match="already"):
        connect(database, "openai", "Work", account="second")


def test_second_account_at_a_provider_must_be_named(database: Database) -> None:
    first = connect(database, "openai", "Home")
    with pytest.raises(ConnectionRefused, match="name that account"):
        connect(database, "openai", "Work")
    second = connect(database, "openai", "Work", account="work")
    for connection in (first, second):
        assert sync(database, connection).error is None
    accounts = {row["billing_account"] for row in stored(database)}
    assert accounts == {"openai", "openai:work"}


def test_stranger_cannot_read_connections_or_keys(stack: Stack, database: Database) -> None:
    connection = connect(database, "openai")
    stranger = over_http(stack, sign_up(stack))
    assert list_connections(stranger) == []
    with pytest.raises(ConnectionRefused, match="deleted"):
        open_key(stranger, load_ring(), connection)
    delete_connection(stranger, connection, with_spend=True)
    assert list_connections(database) == [connection]


def test_user_cannot_change_the_host_of_a_key(apis: FakeProviders, database: Database) -> None:
    openai = next(
        row for row in database.select(Query("providers", "id,name", ["name"])) if row["name"] == "openai"
    )
    with pytest.raises(TallyError):
        database.update("providers", openai["id"], {"api_base_url": "https://example.com"})
    assert connect(database, "openai").base_url == apis.base_url("openai")


def test_paused_connection_is_not_due(database: Database) -> None:
    connection = connect(database, "openrouter")
    now = connection.created_at
    assert connection.is_due(now)
    set_active(database, connection, is_active=False)
    assert not reread(database, connection).is_due(now)
    set_active(database, connection, is_active=True)
    assert reread(database, connection).is_due(now)


@pytest.mark.parametrize("with_spend", [False, True])
def test_deleting_keeps_records_unless_asked_to_delete_them(database: Database, with_spend: bool) -> None:
    connection = connect(database, "openrouter")
    sync(database, connection)
    before = spent(database)
    assert before > 0
    delete_connection(database, reread(database, connection), with_spend)
    assert list_connections(database) == []
    assert spent(database) == (0 if with_spend else before)
    assert len(sources(database)) == (0 if with_spend else 1)


def test_reconnected_key_adds_no_duplicate_records(database: Database) -> None:
    first = connect(database, "openrouter")
    sync(database, first)
    before = spent(database)
    delete_connection(database, first, with_spend=False)
    again = connect(database, "openrouter")
    assert sync(database, again).error is None
    assert spent(database) == before
