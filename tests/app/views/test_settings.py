"""The Settings page: preferences, password, export, sample data, and deleting the account."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from app import data
from app.auth import identity, password
from app.auth.identity import User, database_of
from app.auth.sessions import Sessions
from app.auth.sqlite_sessions import SqliteSessions
from app.parts.timezones import list_timezones
from app.ui.notices import ANNOUNCEMENT, PLACE
from app.ui.periods import OFFERED
from app.views.imports.column_mappings import remember_mapping
from tally.accounts.auth_client import AuthClient, AuthRefused
from tally.storage.export import write_records
from tests.app.accounts import Account
from tests.app.pages import open_dialog, open_page, save, shown, usage
from tests.app.wire import Wire

FORMULA = "=HYPERLINK(1)"
EXPORTS = {"CSV", "Parquet"}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, user: User) -> AppTest:
    return open_page(monkeypatch, user, "settings")


def select(page: AppTest, label: str, value: Any) -> None:
    next(box for box in page.selectbox if box.label == label).set_value(value)


def send(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def type_passwords(page: AppTest, *passwords: str) -> None:
    labels = ("Current password", "New password", "Confirm new password")
    fields = [field for field in page.text_input if field.label in labels]
    for field, text in zip(fields, passwords, strict=True):
        field.set_value(text)


def all_text(page: AppTest) -> str:
    announced = "\n".join(str(success.value) for success in page.success)
    return (shown(page) + announced).replace("\\", "")


def reread(user: User) -> data.Preferences:
    st.cache_data.clear()
    return data.load_preferences(user)


def test_preferences_are_saved_and_other_metadata_stays(page: AppTest, user: User) -> None:
    remember_mapping(user, ["Day", "Sum"], {"Day": "date", "Sum": "cost"})
    select(page, "Time zone", "Asia/Kathmandu")
    select(page, "Theme", "dark")
    select(page, "Default date range", "This month")
    page.toggle[0].set_value(False)
    send(page, "Save settings")
    assert "Settings saved." in all_text(page)
    saved = reread(user)
    assert (saved.timezone, saved.theme, saved.forecast_enabled) == ("Asia/Kathmandu", "dark", False)
    assert saved.default_range == "This month"
    assert saved.default_range in OFFERED, "the period of the Overview begins with it"
    assert "import_mappings" in data.load_preference_metadata(user)


def card_of_success(page: AppTest) -> list[str]:
    """The headers of the innermost part of the page that has both a message of success and a header."""
    part: Any = page.main
    while inner := [block for block in part.children.values() if has_success_and_header(block)]:
        [part] = inner
    return [str(header.value) for header in part.header]


def has_success_and_header(block: Any) -> bool:
    return isinstance(block, Block) and bool(block.success and block.header)


def test_outcome_is_told_in_the_card_where_it_was_caused(page: AppTest) -> None:
    for section, label, heading in (
        ("My account", "Save settings", "Display"),
        ("My account", "Save emails", "Emails"),
        ("Alerts", "Save alerts", "What to alert about"),
    ):
        page.segmented_control(key="section").set_value(section).run()
        send(page, label)
        assert card_of_success(page) == [heading]
    page.run()
    assert not page.success


def test_outcome_of_another_page_is_told_at_the_top(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "settings")
    page.session_state[ANNOUNCEMENT] = "Northwind created."
    page.session_state[PLACE] = "rules of another workspace"
    page.run()
    assert [success.value for success in page.success] == [r"Northwind created\."]
    assert len(card_of_success(page)) > 1


def test_chosen_utc_is_not_replaced_by_the_browsers_timezone(page: AppTest, user: User) -> None:
    select(page, "Time zone", "UTC")
    send(page, "Save settings")
    assert reread(user).timezone_set


def test_database_accepts_every_offered_timezone(user: User, job: psycopg.Connection[Any]) -> None:
    offered = list_timezones("UTC")
    assert {"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"} <= set(offered)
    # The list that the database asks takes 0.1 s to read: once for all of them.
    known = {name for (name,) in job.execute("select name from pg_timezone_names")}
    assert set(offered) <= known
    for zone in ("Asia/Kathmandu", offered[-1]):
        database_of(user).update("user_preferences", user.user_id, {"timezone": zone}, key="user_id")


def test_unknown_timezone_stays_selectable() -> None:
    assert "Mars/Olympus" in list_timezones("Mars/Olympus")


@pytest.mark.parametrize(
    ("current", "new", "again", "sentence"),
    [
        ("", "another horse 2", "another horse 2", "Enter your current password."),
        ("correct horse 1", "short", "short", "at least 8 characters"),
        ("correct horse 1", "another horse 2", "another horse 3", "don't match"),
        ("wrong horse 1", "another horse 2", "another horse 2", "Your current password is wrong."),
    ],
)
def test_refused_password_change_is_explained(
    page: AppTest, current: str, new: str, again: str, sentence: str
) -> None:
    type_passwords(page, current, new, again)
    send(page, "Change password")
    assert sentence in all_text(page)


def test_changed_password_signs_in(
    page: AppTest, account: Account, upstream: AuthClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Sessions(SqliteSessions(tmp_path / "sessions.db"), upstream)
    monkeypatch.setattr(password, "sessions", lambda: store)
    monkeypatch.setattr(password, "_own_session_id", lambda: None)
    type_passwords(page, account.password, "another horse 2", "another horse 2")
    send(page, "Change password")
    assert "Password changed." in all_text(page)
    assert upstream.sign_in(account.email, "another horse 2")


def test_export_is_loaded_only_on_request(page: AppTest, user: User) -> None:
    save(user, [usage(0, "0.0000000125", model_name=FORMULA), usage(1, None, cost_basis="estimated")])
    page.run()
    assert "export" not in page.session_state
    assert EXPORTS.isdisjoint(button.label for button in page.download_button)

    send(page, "Prepare export")
    assert {button.label for button in page.download_button} >= EXPORTS
    assert "2 records, as of" in all_text(page)
    records = page.session_state.export.records
    as_csv = pd.read_csv(io.BytesIO(write_records(records, "csv")), dtype=str)
    as_parquet = pd.read_parquet(io.BytesIO(write_records(records, "parquet")))
    assert set(as_csv["model_name"]) == {"gpt-5.2", f"'{FORMULA}"}
    assert set(as_parquet["model_name"]) == {"gpt-5.2", FORMULA}
    exact = as_csv.loc[as_csv["model_name"] == f"'{FORMULA}", "cost_usd"].iloc[0]
    assert Decimal(exact) == Decimal("0.0000000125")


def test_empty_account_has_an_empty_export(page: AppTest) -> None:
    send(page, "Prepare export")
    assert "0 records, as of" in all_text(page)


def test_sample_data_is_loaded_and_removed(
    monkeypatch: pytest.MonkeyPatch, page: AppTest, user: User
) -> None:
    page.button(key="sample").click().run()
    assert "Sample data loaded." in all_text(page)
    assert len(data.load_subscriptions(user)) == 2
    assert page.button(key="sample").label == "Remove sample data"

    sample = data.load_sample_source(user)
    dialog = open_dialog(monkeypatch, user, "app.parts.source_dialogs:confirm_deletion", sample)
    assert data.load_subscriptions(user) != []
    dialog.button(key="danger-confirm").click().run()
    assert data.load_subscriptions(user) == []
    assert data.load_import_list(user) == []


def delete_account(email: str) -> AppTest:
    """Enter an email in the dialog and confirm; run on its own, as AppTest closes dialogs."""

    def open_dialog() -> None:
        from app.views.settings.account import confirm_deletion

        confirm_deletion()

    dialog = AppTest.from_function(open_dialog, default_timeout=60).run()
    dialog.text_input[0].set_value(email)
    dialog.button(key="danger-confirm").click().run()
    assert not dialog.exception
    return dialog


@pytest.fixture
def store(user: User, upstream: AuthClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """The sessions of the signed-in user."""
    store = Sessions(SqliteSessions(tmp_path / "sessions.db"), upstream)
    monkeypatch.setattr(identity, "current_user", lambda: user)
    monkeypatch.setattr(identity, "sessions", lambda: store)
    return store


def test_wrong_email_deletes_nothing(account: Account, store: Sessions, upstream: AuthClient) -> None:
    cookie = store.open(upstream.sign_in(account.email, account.password))
    dialog = delete_account("someone@example.com")
    assert "That is not the email of this account. Nothing was deleted." in all_text(dialog)
    assert upstream.sign_in(account.email, account.password)
    assert store.find(cookie)


def test_deleted_account_is_gone_and_signed_out_everywhere(
    user: User, account: Account, store: Sessions, upstream: AuthClient
) -> None:
    cookie = store.open(upstream.sign_in(account.email, account.password))
    save(user, [usage(0, "1")])
    delete_account(f" {account.email} ")
    assert not store.find(cookie)
    with pytest.raises(AuthRefused):
        upstream.sign_in(account.email, account.password)


def test_unreachable_database_offers_a_retry(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "settings")
    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in all_text(page)
    wire.mend()
    send(page, "Try again")
    assert page.title[0].value == "Settings"


def test_prompts_and_answers_are_kept_when_somebody_chooses_so(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_page(monkeypatch, user, "settings", {"section": "Traces"})
    assert data.load_content_rules(user) == (None, [])
    check = next(box for box in page.checkbox if box.label == "Keep prompts and answers of traces")
    assert not check.value
    days = next(field for field in page.number_input if field.label == "Days to keep them")
    assert days.value == 30
    check.check()
    days.set_value(14)
    next(area for area in page.text_area if area.label == "Words to remove").set_value("Falcon\n\nAcme")
    send(page, "Save what is kept")
    assert "Prompts and answers of traces are kept for 14 days." in all_text(page)
    assert data.load_content_rules(user) == (14, ["Acme", "Falcon"])
    next(box for box in page.checkbox if box.label == "Keep prompts and answers of traces").uncheck()
    send(page, "Save what is kept")
    assert "Prompts and answers aren't kept." in all_text(page)
    assert data.load_content_rules(user).days is None


def test_old_records_are_archived_when_somebody_chooses_so(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_page(monkeypatch, user, "settings", {"section": "Traces"})
    assert data.load_archive_state(user) == data.ArchiveState(None, [], [])
    check = next(box for box in page.checkbox if box.label == "Archive old records")
    assert not check.value
    check.check()
    next(field for field in page.number_input if field.label == "Days to keep records here").set_value(92)
    send(page, "Save old records")
    assert "Records stay in the database for 92 days." in all_text(page)
    assert data.load_archive_state(user).days == 92
    next(box for box in page.checkbox if box.label == "Archive old records").uncheck()
    send(page, "Save old records")
    assert "Records always stay in the database." in all_text(page)


def test_days_of_traces_are_chosen(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "settings", {"section": "Traces"})
    field = next(field for field in page.number_input if field.label == "Days to keep traces")
    assert field.value == 90
    field.set_value(30)
    send(page, "Save days")
    assert "Traces are kept for 30 days." in all_text(page)
    assert data.load_trace_days(user) == 30
