"""Connections: a key is tried before it is kept, kept sealed, and gone when it is deleted."""

from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from tally.api import Api
from tally.collectors.http import CollectError, KeyRefused, Unavailable
from tally.connections import (
    APIS,
    Connection,
    ConnectionRefused,
    add_connection,
    delete_connection,
    list_connections,
    open_key,
    set_active,
)
from tally.local.stack import Stack
from tally.problem import Problem
from tally.providers import PROVIDERS
from tests.tally.collectors.api.clients import QUICK
from tests.tally.collectors.api.fake_providers import KEYS, FakeProviders, Fault
from tests.tally.collectors.api.people import connect, open_ring, reread, sources, spent, stored, sync
from tests.tally.people import Person, over_http, sign_up

pytestmark = pytest.mark.usefixtures("aimed")


def try_key(api: Api, person: Person, provider: str, key: str, name: str = "Main") -> Connection:
    return add_connection(
        api, open_ring(), UUID(person.user_id), provider, name, SecretStr(key), limits=QUICK
    )


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
    stack: Stack, api: Api, person: Person, provider: str
) -> None:
    connection = connect(api, person, provider, f"My {PROVIDERS[provider]}")
    assert list_connections(api) == [connection]
    assert (connection.provider, connection.validation_status) == (provider, "valid")
    assert open_key(api, open_ring(), connection).get_secret_value() == KEYS[provider]
    sync(api, connection)
    assert KEYS[provider] not in everything_stored(stack, person)
    assert KEYS[provider] not in repr(connection)


def test_spaces_around_a_pasted_key_do_not_matter(api: Api, person: Person) -> None:
    connection = try_key(api, person, "openai", f"  {KEYS['openai']}\n")
    assert open_key(api, open_ring(), connection).get_secret_value() == KEYS["openai"]


@pytest.mark.parametrize("provider", APIS)
def test_a_bad_key_is_not_kept(api: Api, person: Person, provider: str) -> None:
    with pytest.raises(KeyRefused, match="key"):
        try_key(api, person, provider, "sk-proj-not-an-admin-key")
    assert list_connections(api) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(500), Unavailable),
        (Fault(429, headers={"retry-after": "3600"}), Unavailable),
        (Fault(body=b"<html>", content_type="text/html"), CollectError),
        (Fault(body=b'{"data'), CollectError),
        (Fault(400), CollectError),
        (Fault(302, headers={"location": "https://example.com"}), CollectError),
    ],
)
def test_a_key_that_could_not_be_tried_is_not_kept(
    aimed: FakeProviders, api: Api, person: Person, fault: Fault, kind: type[CollectError]
) -> None:
    aimed.fail("", *[fault] * 5)
    with pytest.raises(kind):
        connect(api, person, "openai")
    assert list_connections(api) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_a_connection_needs_a_name(aimed: FakeProviders, api: Api, person: Person, name: str) -> None:
    with pytest.raises(ConnectionRefused, match="name"):
        connect(api, person, "openai", name)
    assert aimed.asked == []


def test_a_name_is_taken_once_at_a_provider(api: Api, person: Person) -> None:
    connect(api, person, "openai", "Work")
    connect(api, person, "openrouter", "Work")
    with pytest.raises(ConnectionRefused, match="already"):
        connect(api, person, "openai", "Work", account="second")


def test_a_second_account_at_a_provider_has_to_be_told_apart(api: Api, person: Person) -> None:
    first = connect(api, person, "openai", "Home")
    with pytest.raises(ConnectionRefused, match="name that account"):
        connect(api, person, "openai", "Work")
    second = connect(api, person, "openai", "Work", account="work")
    for connection in (first, second):
        assert sync(api, connection).error is None
    ledgers = {row["metadata"]["ledger"] for row in stored(api)}
    assert ledgers == {"openai", "openai:work"}


def test_a_stranger_sees_no_connection_and_opens_no_key(stack: Stack, api: Api, person: Person) -> None:
    connection = connect(api, person, "openai")
    stranger = over_http(stack, sign_up(stack))
    assert list_connections(stranger) == []
    with pytest.raises(ConnectionRefused, match="deleted"):
        open_key(stranger, open_ring(), connection)
    delete_connection(stranger, connection, with_spend=True)
    assert list_connections(api) == [connection]


def test_nobody_can_aim_a_key_at_another_host(aimed: FakeProviders, api: Api, person: Person) -> None:
    openai = next(row for row in api.select("providers", "id,name", ["name"]) if row["name"] == "openai")
    with pytest.raises(Problem):
        api.update("providers", openai["id"], {"api_base_url": "https://example.com"})
    assert connect(api, person, "openai").base_url == aimed.base_url("openai")


def test_a_paused_connection_is_not_due(api: Api, person: Person) -> None:
    connection = connect(api, person, "openrouter")
    now = connection.created_at
    assert connection.is_due(now)
    set_active(api, connection, is_active=False)
    assert not reread(api, connection).is_due(now)
    set_active(api, connection, is_active=True)
    assert reread(api, connection).is_due(now)


@pytest.mark.parametrize("with_spend", [False, True])
def test_deleting_keeps_the_spend_unless_it_is_to_go_too(api: Api, person: Person, with_spend: bool) -> None:
    connection = connect(api, person, "openrouter")
    sync(api, connection)
    before = spent(api)
    assert before > 0
    delete_connection(api, reread(api, connection), with_spend)
    assert list_connections(api) == []
    assert spent(api) == (0 if with_spend else before)
    assert len(sources(api)) == (0 if with_spend else 1)


def test_a_key_that_is_connected_again_finds_its_spend_and_adds_none(api: Api, person: Person) -> None:
    first = connect(api, person, "openrouter")
    sync(api, first)
    before = spent(api)
    delete_connection(api, first, with_spend=False)
    again = connect(api, person, "openrouter")
    assert sync(api, again).error is None
    assert spent(api) == before
