"""The Connections page: keys stay secret, and every state of a connection has a label."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from app.auth.identity import User, database_of
from app.ui.notices import ANNOUNCEMENT
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
from tests.app.pages import open_page, read_markdown, shown
from tests.app.ui.shown_table import tables
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import JOB_KEYS, KEYS, FakeProviders, Fault, serve
from tests.tally.connectors.users import load_ring, point_providers_at, spent, stored, sync

HOSTILE = "**b** ![x](http://localhost/x) <b>$\\alpha$"
SPENT = Decimal("0.2650123")


@pytest.fixture(autouse=True)
def providers(stack: Stack) -> Iterator[FakeProviders]:
    """The three APIs on a local socket; OpenRouter reports the day before yesterday."""
    with serve() as fake, point_providers_at(stack, fake):
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
    provider: str = "openrouter",
    name: str = "Main",
    account: str = "",
) -> Connection:
    key = SecretStr(KEYS[provider])
    new = NewConnection(provider, name, key, account)
    return add_connection(database, load_ring(), new, QUICK)


def all_text(page: AppTest) -> str:
    notices = (page.success, page.warning, page.error)
    notices_text = "\n".join(str(notice.value) for kind in notices for notice in kind)
    return read_markdown(shown(page) + "\n" + notices_text)


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def press_label(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def run_dialog(connection: Connection | None = None) -> AppTest:
    """Run a dialog on its own, as AppTest closes dialogs; without a connection, the one that adds one."""

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
    """Wait for running syncs and rerun the page, unless it shows the result already."""
    if "new record" in all_text(page):
        return page
    for connection in list_connections(database):
        job = find_sync(user, connection)
        if job is not None:
            job.wait(60)
    page.run()
    assert not page.exception
    return page


def everything(page: AppTest) -> str:
    """Everything sent to the browser or stored in the session."""
    return str(page.main) + str(page.sidebar) + str(page.session_state)


def test_empty_page_explains_connections(page: AppTest) -> None:
    assert not page.exception
    assert "admin key from OpenAI or Anthropic" in all_text(page)


@pytest.mark.parametrize("provider", APIS)
def test_dialog_explains_the_required_key(page: AppTest, provider: str) -> None:
    assert any(button.label == "Add connection" for button in page.button)
    dialog = run_dialog()
    dialog.selectbox[0].set_value(provider).run()
    assert APIS[provider].key_advice in all_text(dialog)
    [field] = [field for field in dialog.text_input if field.label == APIS[provider].key_name]
    assert field.proto.type == field.proto.PASSWORD


def test_valid_key_is_added_synced_and_never_shown_again(
    page: AppTest, database: SupabaseDatabase, user: User
) -> None:
    dialog = fill("openrouter", KEYS["openrouter"], Name="Mine")
    [connection] = list_connections(database)
    assert (connection.name, connection.account) == ("Mine", "")
    finish_sync(page, database, user)
    assert "Mine: 2 new records." in all_text(page)
    assert spent(database) == SPENT
    assert "Connected" in all_text(page)
    assert "$74.75" in all_text(page)
    assert KEYS["openrouter"] not in everything(page) + all_text(dialog)


@pytest.mark.usefixtures("page")
def test_project_key_is_rejected_and_not_stored(database: SupabaseDatabase) -> None:
    dialog = fill("openai", "sk-proj-0123456789")
    assert "OpenAI does not accept this key." in all_text(dialog)
    assert "not a project key" in all_text(dialog)
    assert list_connections(database) == []


@pytest.mark.usefixtures("page")
def test_key_is_not_stored_while_the_provider_is_unavailable(
    database: SupabaseDatabase, providers: FakeProviders
) -> None:
    providers.fail("", *[Fault(429, headers={"retry-after": "600"})] * 5)
    dialog = fill("openai", KEYS["openai"])
    assert "wait 10 minutes" in all_text(dialog)
    assert list_connections(database) == []


def test_named_account_is_kept_separate(page: AppTest, database: SupabaseDatabase, user: User) -> None:
    fill("openrouter", KEYS["openrouter"], Account="work")
    finish_sync(page, database, user)
    assert {row["billing_account"] for row in stored(database)} == {"openrouter:work"}
    assert "work" in all_text(page)


def test_sync_now_announces_new_and_updated_records(
    page: AppTest, database: SupabaseDatabase, user: User, providers: FakeProviders
) -> None:
    connection = connect(database)
    page.run()
    assert "Not synced yet" in all_text(page)
    press(page, f"sync-{connection.connection_id}")
    finish_sync(page, database, user)
    assert "Main: 2 new records." in all_text(page)
    providers.recorded["openrouter_activity"]["data"][0]["usage"] = 9
    press(page, f"sync-{connection.connection_id}")
    finish_sync(page, database, user)
    assert "Main: 0 new records, 1 updated." in all_text(page)


def test_running_sync_shows_progress(
    page: AppTest, database: SupabaseDatabase, user: User, providers: FakeProviders
) -> None:
    connection = connect(database, "openai")
    providers.fail("organization", *[Fault(delay_seconds=0.2)] * 30)
    job = begin_sync(user, connection)
    assert begin_sync(user, connection) is job  # a second click starts no second sync
    page.run()
    assert "Syncing" in all_text(page)
    assert page.button(key=f"sync-{connection.connection_id}").disabled
    set_active(database, connection, is_active=False)
    job.wait(60)
    page.run()
    assert "Paused" in all_text(page)


def test_failed_sync_shows_the_reason(
    page: AppTest, database: SupabaseDatabase, providers: FakeProviders
) -> None:
    connection = connect(database, "anthropic", HOSTILE)
    providers.fail("", *[Fault(401)] * 5)
    sync(database, connection)
    page.run()
    assert "Key rejected" in all_text(page)
    assert "Anthropic does not accept this key." in all_text(page)
    assert HOSTILE.replace("\\", "") in all_text(page)
    assert all("](" not in header.value for header in page.header)


def test_connection_is_paused_and_resumed(page: AppTest, database: SupabaseDatabase) -> None:
    connection = connect(database)
    page.run()
    press(page, f"pause-{connection.connection_id}")
    assert not list_connections(database)[0].is_active
    assert "Main paused." in all_text(page)
    assert page.button(key=f"sync-{connection.connection_id}").disabled
    press(page, f"resume-{connection.connection_id}")
    assert list_connections(database)[0].is_active
    assert "Main resumed. It syncs every night." in all_text(page)


@pytest.mark.parametrize("with_spend", [False, True])
def test_deleting_a_connection_keeps_its_spend_by_default(
    page: AppTest, database: SupabaseDatabase, with_spend: bool
) -> None:
    connection = connect(database)
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
    assert ("Its records stay in your totals." in str(dialog.session_state[ANNOUNCEMENT])) != with_spend


def test_connections_are_listed_by_provider_and_name(page: AppTest, database: SupabaseDatabase) -> None:
    names = [f"Team {nth}" for nth in range(6)]
    for nth, name in enumerate(reversed(names)):
        connect(database, "openrouter", name, account=f"account {nth}")
    connect(database, "anthropic", "Zebra")
    page.run()
    assert [header.value for header in page.header] == ["Zebra", *names]


def test_stranger_cannot_see_connections(
    monkeypatch: pytest.MonkeyPatch,
    upstream: AuthClient,
    new_account: Any,
    database: SupabaseDatabase,
) -> None:
    connect(database, name="Secret project")
    stranger = open_page(monkeypatch, sign_in_user(upstream, new_account()), "connections")
    assert "Secret project" not in all_text(stranger)


def test_every_state_has_a_status(database: SupabaseDatabase) -> None:
    fresh = connect(database)
    now = datetime.now(UTC)
    synced = replace(fresh, last_sync_at=now)
    states = {
        "Not synced yet": fresh,
        "Connected": synced,
        "Last sync failed": replace(synced, last_error="x"),
        "Key rejected": replace(synced, last_error="x", validation_status="invalid"),
        "Paused": replace(synced, is_active=False, last_error="x"),
    }
    assert {name: describe_status(state, is_syncing=False)[0] for name, state in states.items()} == {
        name: name for name in states
    }
    assert describe_status(states["Paused"], is_syncing=True)[0] == "Syncing"


def test_next_sync_is_a_time_or_a_description(database: SupabaseDatabase) -> None:
    fresh, now, zone = (
        connect(database),
        datetime(2026, 11, 20, 12, tzinfo=UTC),
        ZoneInfo("Asia/Kathmandu"),
    )
    later = replace(fresh, next_sync_at=now + timedelta(hours=10))
    assert describe_next_sync(fresh, now, zone) == "with the next nightly run"
    assert describe_next_sync(later, now, zone) == "21 Nov 2026, 03:45"
    assert describe_next_sync(replace(later, is_active=False), now, zone) == "paused"


def test_audit_log_in_settings_names_the_key_but_never_contains_it(
    monkeypatch: pytest.MonkeyPatch, database: SupabaseDatabase, user: User
) -> None:
    connection = connect(database, name=HOSTILE)
    set_active(database, connection, False)
    delete_connection(database, connection, with_spend=False)

    page = open_page(monkeypatch, user, "settings", {"section": "Audit log"})

    log = next(table.value for table in tables(page) if "details" in table.value.columns)
    assert {"Added key", "Paused key", "Deleted key"} <= set(log["action"])
    assert f"OpenRouter {HOSTILE}" in set(log["details"])
    assert KEYS["openrouter"] not in everything(page)


@pytest.mark.usefixtures("page")
def test_a_project_key_reads_jobs_with_savings_and_storage(
    monkeypatch: pytest.MonkeyPatch, database: SupabaseDatabase, user: User
) -> None:
    fill("openai", JOB_KEYS["openai"])
    [connection] = list_connections(database)
    assert sync(database, connection).error is None
    page = open_page(monkeypatch, user, "connections")
    assert not page.exception, page.exception
    text = read_markdown(all_text(page))
    assert "jobs and files" in text
    assert "1 batch cost $0.33 at list prices, $0.33 less" in text
    table = tables(page)[0].value
    assert list(table["name"]) == ["batch_abc125", "batch_abc124", "batch_abc123"]
    assert list(table["state"]) == ["Expired", "In progress", "Completed"]
    page.segmented_control(key="job_kind").set_value("vector_store").run()
    assert not page.exception, page.exception
    assert "Stored now: " in read_markdown(shown(page))
    assert list(tables(page)[0].value["name"]) == ["Support FAQ"]
    press(page, f"storage-{connection.connection_id}")
    assert "of storage added as an estimated cost." in all_text(page)
    assert "is an estimated cost of every full day" in all_text(page)
    assert spent(database, "estimated") > 0
    assert not [button for button in page.button if button.label == "Add storage as a cost"]
