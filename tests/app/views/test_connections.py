"""The Connections page: a key goes in and never comes out, and every state of a connection is in words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from app.auth.identity import User, database_of
from app.ui.notices import ANNOUNCEMENT
from app.views.connections.audit_log import describe_actor, describe_event
from app.views.connections.cards import describe_next_sync, describe_status
from app.views.connections.jobs import begin_sync, find_sync
from tally.accounts.auth_client import AuthClient
from tally.connectors.connections import (
    APIS,
    Connection,
    NewConnection,
    add_connection,
    delete_connection,
    list_connections,
    set_active,
)
from tally.local.stack import Stack
from tally.storage.postgrest import SupabaseDatabase
from tests.app.accounts import sign_in_user
from tests.app.pages import open_page, shown
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault, serve
from tests.tally.connectors.people import aimed_at, open_ring, spent, stored, sync

HOSTILE = "**b** ![x](http://localhost/x) <b>$\\alpha$"
SPENT = Decimal("0.2650123")


@pytest.fixture(autouse=True)
def providers(stack: Stack) -> Iterator[FakeProviders]:
    """The three APIs on a local socket; OpenRouter tells of the day before yesterday."""
    with serve() as fake, aimed_at(stack, fake):
        fake.date_activity(datetime.now(UTC).date() - timedelta(days=2))
        yield fake


@pytest.fixture
def database(user: User) -> SupabaseDatabase:
    return database_of(user)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, user: User) -> AppTest:
    return open_page(monkeypatch, user, "connections")


def connect(
    database: SupabaseDatabase,
    user: User,
    provider: str = "openrouter",
    name: str = "Main",
    account: str = "",
) -> Connection:
    key = SecretStr(KEYS[provider])
    new = NewConnection(provider, name, key, account)
    return add_connection(database, open_ring(), UUID(user.user_id), new, QUICK)


def said(page: AppTest) -> str:
    notices = (page.success, page.warning, page.error)
    told = "\n".join(str(notice.value) for kind in notices for notice in kind)
    return (shown(page) + "\n" + told).replace("\\", "")


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def press_label(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def run_dialog(connection: Connection | None = None) -> AppTest:
    """A dialog that stays open, as AppTest cannot keep it otherwise; of a connection, or for a new one."""

    def open_dialog(connection: "Connection | None") -> None:
        from app.views.connections import dialogs

        if connection is None:
            dialogs.ask_for_key()
        else:
            dialogs.confirm_deletion(connection)

    dialog = AppTest.from_function(open_dialog, args=(connection,), default_timeout=60).run()
    assert not dialog.exception
    return dialog


def fill(provider: str, key: str, **texts: str) -> AppTest:
    """Fill in the dialog and send it."""
    page = run_dialog()
    page.selectbox[0].set_value(provider).run()
    for field in page.text_input:
        if field.label == APIS[provider].key_name:
            field.set_value(key)
        elif field.label in texts:
            field.set_value(texts[field.label])
    return press_label(page, "Check and add")


def finish_sync(page: AppTest, database: SupabaseDatabase, user: User) -> AppTest:
    """Wait for the background, then look again, unless it was done before the page was."""
    if "new record" in said(page):
        return page
    for connection in list_connections(database):
        job = find_sync(user, connection)
        if job is not None:
            job.wait(60)
    page.run()
    assert not page.exception
    return page


def everything(page: AppTest) -> str:
    """All that the browser was sent, and all that the session remembers."""
    return str(page.main) + str(page.sidebar) + str(page.session_state)


def test_without_a_connection_the_page_says_what_one_is_good_for(page: AppTest) -> None:
    assert not page.exception
    assert "admin key of OpenAI or Anthropic" in said(page)


def test_audit_log_says_in_words_what_happened_to_a_key(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, database: SupabaseDatabase, user: User
) -> None:
    assert "Nothing yet." in said(page)
    connection = connect(database, user, name=HOSTILE)
    set_active(database, connection, False)
    delete_connection(database, connection, with_spend=False)

    page = open_page(monkeypatch, user, "connections")

    log = page.dataframe[-1].value
    key = f"Key of OpenRouter “{HOSTILE}”"
    assert log["What"].tolist() == [f"{key} deleted", f"{key} paused", f"{key} added"]
    assert set(log["By"]) == {"You"}
    assert KEYS["openrouter"] not in everything(page)


@pytest.mark.parametrize(
    ("entry", "what", "by"),
    [
        (
            {"changed_columns": ["encrypted_api_key", "encryption_key_id"]},
            "Key of OpenAI “Main” re-sealed",
            "tally keys",
        ),
        (
            {"changed_columns": ["is_active"], "actor": "service"},
            "Key of OpenAI “Main” resumed",
            "The server",
        ),
        (
            {"changed_columns": ["validation_status"]},
            "Key of OpenAI “Main” refused by the provider",
            "The nightly job",
        ),
        ({"changed_columns": ["provider_id"], "actor": "person"}, "Key of OpenAI “Main” changed", "You"),
        (
            {
                "action": "reprice",
                "metadata": {"records": 1, "before_usd": "0", "after_usd": "3.0000000000"},
            },
            "1 record priced anew: $0.00 before, $3.00 after",
            "tally reprice",
        ),
    ],
)
def test_an_entry_of_the_audit_log_is_one_sentence(entry: dict[str, Any], what: str, by: str) -> None:
    of_key = {
        "credential_name": "Main",
        "provider": "openai",
        "is_active": True,
        "validation_status": "invalid",
    }
    said = {"action": "update", "actor": "operator", "changed_columns": [], "metadata": of_key} | entry
    assert (describe_event(said, {"openai": "OpenAI"}), describe_actor(said)) == (what, by)


@pytest.mark.parametrize("provider", APIS)
def test_the_dialog_says_which_key_is_needed(page: AppTest, provider: str) -> None:
    assert any(button.label == "Add connection" for button in page.button)
    dialog = run_dialog()
    dialog.selectbox[0].set_value(provider).run()
    assert APIS[provider].key_advice in said(dialog)
    [field] = [field for field in dialog.text_input if field.label == APIS[provider].key_name]
    assert field.proto.type == field.proto.PASSWORD


def test_a_good_key_is_added_synced_and_never_seen_again(
    page: AppTest, database: SupabaseDatabase, user: User
) -> None:
    dialog = fill("openrouter", KEYS["openrouter"], Name="Mine")
    [connection] = list_connections(database)
    assert (connection.name, connection.account) == ("Mine", "")
    finish_sync(page, database, user)
    assert "Mine: 2 new records." in said(page)
    assert spent(database) == SPENT
    assert "Connected" in said(page)
    assert "$74.75" in said(page)
    assert KEYS["openrouter"] not in everything(page) + said(dialog)


@pytest.mark.usefixtures("page")
def test_a_key_for_requests_is_refused_in_words_and_not_kept(database: SupabaseDatabase) -> None:
    dialog = fill("openai", "sk-proj-0123456789")
    assert "OpenAI does not accept this key." in said(dialog)
    assert "not a project's key" in said(dialog)
    assert list_connections(database) == []


@pytest.mark.usefixtures("page")
def test_a_provider_that_does_not_answer_is_told_and_nothing_is_kept(
    database: SupabaseDatabase, providers: FakeProviders
) -> None:
    providers.fail("", *[Fault(429, headers={"retry-after": "600"})] * 5)
    dialog = fill("openai", KEYS["openai"])
    assert "wait 10 minutes" in said(dialog)
    assert list_connections(database) == []


def test_an_account_that_was_named_is_told_apart(
    page: AppTest, database: SupabaseDatabase, user: User
) -> None:
    fill("openrouter", KEYS["openrouter"], Account="work")
    finish_sync(page, database, user)
    assert {row["metadata"]["ledger"] for row in stored(database)} == {"openrouter:work"}
    assert "work" in said(page)


def test_sync_now_says_what_it_brought(
    page: AppTest, database: SupabaseDatabase, user: User, providers: FakeProviders
) -> None:
    connection = connect(database, user)
    page.run()
    assert "Not synced yet" in said(page)
    press(page, f"sync-{connection.connection_id}")
    finish_sync(page, database, user)
    assert "Main: 2 new records." in said(page)
    providers.recorded["openrouter_activity"]["data"][0]["usage"] = 9
    press(page, f"sync-{connection.connection_id}")
    finish_sync(page, database, user)
    assert "Main: 0 new records, 1 with newer figures." in said(page)


def test_progress_is_shown_while_a_sync_goes_on(
    page: AppTest, database: SupabaseDatabase, user: User, providers: FakeProviders
) -> None:
    connection = connect(database, user, "openai")
    providers.fail("organization", *[Fault(delay_seconds=0.2)] * 30)
    job = begin_sync(user, connection)
    assert begin_sync(user, connection) is job  # a second click starts no second one
    page.run()
    assert "Syncing" in said(page)
    assert page.button(key=f"sync-{connection.connection_id}").disabled
    set_active(database, connection, is_active=False)
    job.wait(60)
    page.run()
    assert "Paused" in said(page)


def test_a_sync_that_failed_says_why(
    page: AppTest, database: SupabaseDatabase, user: User, providers: FakeProviders
) -> None:
    connection = connect(database, user, "anthropic", HOSTILE)
    providers.fail("", *[Fault(401)] * 5)
    sync(database, connection)
    page.run()
    assert "Key refused" in said(page)
    assert "Anthropic does not accept this key." in said(page)
    assert HOSTILE.replace("\\", "") in said(page)
    assert all("](" not in header.value for header in page.header)


def test_pausing_and_resuming(page: AppTest, database: SupabaseDatabase, user: User) -> None:
    connection = connect(database, user)
    page.run()
    press(page, f"pause-{connection.connection_id}")
    assert not list_connections(database)[0].is_active
    assert "Main is paused." in said(page)
    assert page.button(key=f"sync-{connection.connection_id}").disabled
    press(page, f"resume-{connection.connection_id}")
    assert list_connections(database)[0].is_active
    assert "Main is synced again every night." in said(page)


@pytest.mark.parametrize("with_spend", [False, True])
def test_deleting_asks_and_keeps_the_spend_unless_told_otherwise(
    page: AppTest, database: SupabaseDatabase, user: User, with_spend: bool
) -> None:
    connection = connect(database, user)
    sync(database, connection, datetime.now(UTC).date())
    press(page.run(), f"delete-{connection.connection_id}")
    dialog = run_dialog(list_connections(database)[0])
    [box] = dialog.checkbox
    assert (box.value, "2 records" in box.label) == (False, True)
    if with_spend:
        box.check().run()
    press_label(dialog, "Delete connection")
    assert list_connections(database) == []
    assert spent(database) == (0 if with_spend else SPENT)
    assert ("Its spend stays." in str(dialog.session_state[ANNOUNCEMENT])) != with_spend


def test_many_connections_are_listed_by_provider_and_name(
    page: AppTest, database: SupabaseDatabase, user: User
) -> None:
    names = [f"Team {nth}" for nth in range(6)]
    for nth, name in enumerate(reversed(names)):
        connect(database, user, "openrouter", name, account=f"account {nth}")
    connect(database, user, "anthropic", "Zebra")
    page.run()
    assert [header.value for header in page.header] == ["Zebra", *names, "Audit log"]


def test_nobody_sees_the_connections_of_others(
    monkeypatch: pytest.MonkeyPatch,
    upstream: AuthClient,
    new_account: Any,
    database: SupabaseDatabase,
    user: User,
) -> None:
    connect(database, user, name="Secret project")
    stranger = open_page(monkeypatch, sign_in_user(upstream, new_account()), "connections")
    assert "Secret project" not in said(stranger)


def test_a_status_for_every_state(database: SupabaseDatabase, user: User) -> None:
    fresh = connect(database, user)
    now = datetime.now(UTC)
    synced = replace(fresh, last_sync_at=now)
    states = {
        "Not synced yet": fresh,
        "Connected": synced,
        "Last sync failed": replace(synced, last_error="x"),
        "Key refused": replace(synced, last_error="x", validation_status="invalid"),
        "Paused": replace(synced, is_active=False, last_error="x"),
    }
    assert {name: describe_status(state, is_syncing=False)[0] for name, state in states.items()} == {
        name: name for name in states
    }
    assert describe_status(states["Paused"], is_syncing=True)[0] == "Syncing"


def test_the_next_sync_is_a_time_or_a_word(database: SupabaseDatabase, user: User) -> None:
    fresh, now, zone = (
        connect(database, user),
        datetime(2026, 11, 20, 12, tzinfo=UTC),
        ZoneInfo("Asia/Kathmandu"),
    )
    later = replace(fresh, next_sync_at=now + timedelta(hours=10))
    assert describe_next_sync(fresh, now, zone) == "with the nightly job"
    assert describe_next_sync(later, now, zone) == "2026-11-21 03:45"
    assert describe_next_sync(replace(later, is_active=False), now, zone) == "paused"
