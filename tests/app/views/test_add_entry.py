"""The Add entry page: amounts are saved exactly and once; renewals match those of the database."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.figures.renewals import describe_rhythm
from app.parts.subscription_form import parse_subscription
from tally.accounts.auth_client import AuthClient
from tally.spend.renewals import next_renewal, renewal_days
from tally.spend.subscriptions import Interval, Subscription, add_subscription
from tally.storage.database import Query
from tests.app.accounts import sign_in_user
from tests.app.pages import metrics, open_page, shown
from tests.app.ui.shown_table import tables
from tests.app.wire import Wire


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, user: User) -> AppTest:
    return open_page(monkeypatch, user, "add_entry")


def today() -> date:
    return datetime.now(UTC).date()


def fill_charge(page: AppTest, **values: Any) -> AppTest:
    """Fill the form for one charge and send it."""
    entry = page.session_state.entry_id
    fields = {"model": "API credits", "amount": "$1,234.50"} | values
    box = page.selectbox(key=f"provider-{entry}")
    box.select_index(next(i for i, name in enumerate(box.options) if name == "OpenAI"))
    for name in ("model", "amount", "note"):
        if name in fields:
            page.text_input(key=f"{name}-{entry}").set_value(fields[name])
    if "kind" in fields:
        page.selectbox(key=f"kind-{entry}").set_value(fields["kind"])
    send(page, "Add charge")
    return page


def send(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def charges(user: User) -> list[dict[str, Any]]:
    st.cache_data.clear()
    return data.load_records_page(user, data.RecordFilter(), 1, "UTC")


def open_subscriptions(page: AppTest) -> AppTest:
    page.segmented_control(key="kind").set_value("Subscription").run()
    assert not page.exception
    return page


def field(page: AppTest, name: str) -> str:
    return f"{name}-{page.session_state.subscription_id}"


def test_charge_is_saved_exactly(page: AppTest, user: User) -> None:
    fill_charge(page, note="invoice 42")
    assert "$1,234.50 for OpenAI" in announced(page)
    [record] = charges(user)
    assert Decimal(record["cost_usd"]) == Decimal("1234.50")
    assert (record["collection_method"], record["charge_type"]) == ("manual_entry", "usage")
    assert (record["day"], record["metadata"]) == (today().isoformat(), {"note": "invoice 42"})


def announced(page: AppTest) -> str:
    return "\n".join(str(success.value) for success in page.success).replace("\\", "")


def test_form_sent_twice_saves_once(page: AppTest, user: User) -> None:
    first = page.session_state.entry_id
    fill_charge(page)
    assert page.session_state.entry_id != first
    page.session_state.entry_id = first
    page.run()
    fill_charge(page)
    assert len(charges(user)) == 1


def test_credit_reduces_spend(page: AppTest, user: User) -> None:
    fill_charge(page, amount="5", kind="credit")
    assert Decimal(charges(user)[0]["cost_usd"]) == -5


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": "twelve"}, "The amount is not a number."),
        ({"amount": ""}, "Enter an amount"),
        ({"amount": "1,234"}, "can be read in two ways"),
        ({"amount": "-3"}, "Only a credit can have a negative amount."),
        ({"amount": "€5"}, "not in US dollars"),
        ({"model": " "}, "Enter the model"),
    ],
)
def test_invalid_charge_is_explained_and_not_saved(
    page: AppTest, user: User, values: dict[str, str], sentence: str
) -> None:
    entry = page.session_state.entry_id
    fill_charge(page, **values)
    assert sentence in shown(page).replace("\\", "")
    assert page.session_state.entry_id == entry
    assert charges(user) == []


def test_plan_fills_the_form_and_its_renewals_are_saved_once(page: AppTest, user: User) -> None:
    open_subscriptions(page)
    plans = page.selectbox(key=field(page, "plan"))
    plans.select_index(
        next(i for i, plan in enumerate(plans.options) if plan.startswith("Google AI Pro"))
    ).run()
    assert page.text_input(key=field(page, "amount")).value == "19.99"
    page.date_input(key=field(page, "started")).set_value(today() - timedelta(days=100)).run()
    expected = metrics(page)
    send(page, "Add subscription")

    records = charges(user)
    assert {Decimal(record["cost_usd"]) for record in records} == {Decimal("19.99")}
    assert {record["charge_type"] for record in records} == {"subscription"}
    assert expected["Renewals so far"] == str(len(records))
    assert len(records) in (3, 4)
    assert [row["plan_name"] for row in data.load_subscriptions(user)] == ["Google AI Pro"]


def test_subscription_is_saved_once_after_a_lost_response(page: AppTest, user: User) -> None:
    open_subscriptions(page)
    first: UUID = page.session_state.subscription_id
    for _ in range(2):
        page.session_state.subscription_id = first
        page.run()
        page.selectbox(key=field(page, "plan")).select_index(0).run()
        send(page, "Add subscription")
        assert "ChatGPT Plus added" in announced(page)
    assert len(data.load_subscriptions(user)) == 1


def test_first_day_sets_the_renewal_day(page: AppTest) -> None:
    open_subscriptions(page)
    page.date_input(key=field(page, "started")).set_value(date(2026, 1, 31)).run()
    assert page.number_input(key=field(page, "day")).value == 31


def test_incomplete_subscription_cannot_be_submitted(page: AppTest) -> None:
    open_subscriptions(page)
    assert page.button(key=field(page, "save")).disabled
    page.selectbox(key=field(page, "plan")).select_index(0).run()
    page.date_input(key=field(page, "ended")).set_value(today() - timedelta(days=1)).run()
    assert "The last day must not be before the first day." in shown(page).replace("\\", "")
    assert page.button(key=field(page, "save")).disabled


def subscriptions(provider_id: str) -> Iterator[Subscription]:
    """Short months, leap days, days before the start, ends on and before a renewal, months and years."""
    starts = (date(2024, 1, 31), date(2024, 2, 29), date(2025, 12, 5), today(), today() + timedelta(days=40))
    intervals: tuple[Interval, ...] = ("month", "year")
    for started in starts:
        for interval in intervals:
            for day in {started.day, 1, 31}:
                for ended in (None, started, started + timedelta(days=365)):
                    name = f"{started} {interval} {day} {ended}"
                    yield Subscription(provider_id, name, Decimal("19.99"), started, day, interval, ended)


def test_shown_renewals_are_those_of_the_database(user: User) -> None:
    database = database_of(user)
    provider_id = database.select(Query("providers", "id", ["id"], limit=1))[0]["id"]
    expected = {}
    for subscription in subscriptions(provider_id):
        add_subscription(database, subscription)
        days = [day.isoformat() for day in renewal_days(subscription, today())]
        if days:
            expected[subscription.plan_name] = days
    written: dict[str, list[str]] = {}
    after = None
    while page := database.select(
        Query("cost_records", "id,timestamp,model_name,day", ["timestamp", "id"], after=after)
    ):
        for record in page:
            written.setdefault(record["model_name"], []).append(record["day"])
        after = page[-1]
    assert written == expected


def test_next_renewal_is_after_today_and_within_the_plan() -> None:
    plan = Subscription("p", "Plan", Decimal(20), date(2026, 1, 31), 31)
    assert next_renewal(plan, date(2026, 2, 27)) == date(2026, 2, 28)
    assert next_renewal(plan, date(2026, 2, 28)) == date(2026, 3, 31)
    assert next_renewal(plan, date(2025, 1, 1)) == date(2026, 1, 31)
    ended = Subscription("p", "Plan", Decimal(20), date(2026, 1, 31), 31, "month", date(2026, 3, 1))
    assert next_renewal(ended, date(2026, 2, 28)) is None
    yearly = Subscription("p", "Plan", Decimal(20), date(2024, 2, 29), 29, "year")
    assert next_renewal(yearly, date(2026, 11, 20)) == date(2027, 2, 28)
    assert describe_rhythm(yearly) == "Yearly on 29 Feb"


def run_dialog(name: str, row: dict[str, Any]) -> AppTest:
    """Run a dialog on its own, as AppTest closes dialogs."""

    def open_dialog(name: str, row: "dict[str, Any]") -> None:
        from datetime import UTC, datetime

        from app.views.subscriptions import subscription_list

        today = datetime.now(UTC).date()
        if name == "edit":
            subscription_list.edit_subscription(row, today)
        elif name == "end":
            subscription_list.end_subscription(row, today)
        else:
            subscription_list.confirm_deletion(row, today)

    dialog = AppTest.from_function(open_dialog, args=(name, row), default_timeout=60).run()
    assert not dialog.exception
    return dialog


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch, user: User) -> dict[str, Any]:
    """A subscription of the signed-in user that started three months ago, as the list loads it."""
    monkeypatch.setattr(identity, "current_user", lambda: user)
    database = database_of(user)
    provider_id = database.select(Query("providers", "id", ["id"], limit=1))[0]["id"]
    started = today().replace(day=1) - timedelta(days=62)
    add_subscription(database, Subscription(provider_id, "<b>Plan</b>", Decimal(20), started, started.day))
    return data.load_subscriptions(user)[0]


def test_changed_price_applies_to_every_renewal(user: User, row: dict[str, Any]) -> None:
    dialog = run_dialog("edit", row)
    assert "every renewal, including past ones" in shown(dialog)
    next(field for field in dialog.text_input if field.label == "Amount in USD").set_value("25").run()
    send(dialog, "Save changes")
    assert {Decimal(record["cost_usd"]) for record in charges(user)} == {Decimal(25)}


def test_ended_subscription_keeps_its_renewals(user: User, row: dict[str, Any]) -> None:
    before = len(charges(user))
    send(run_dialog("end", row), "End subscription")
    assert len(charges(user)) == before
    assert parse_subscription(data.load_subscriptions(user)[0]).ended_on == today()


def test_deleted_subscription_removes_its_renewals(user: User, row: dict[str, Any]) -> None:
    send(run_dialog("delete", row), "Delete subscription")
    assert charges(user) == []
    assert data.load_subscriptions(user) == []


def test_plan_name_is_text_in_list_and_dialog(
    monkeypatch: pytest.MonkeyPatch, user: User, row: dict[str, Any]
) -> None:
    page = open_page(monkeypatch, user, "subscriptions")
    assert list(tables(page)[-1].value["plan"]) == ["<b>Plan</b>"]
    assert "<b>Plan</b>" in [text.value for text in run_dialog("delete", row).text]


def test_form_works_after_the_database_is_reachable_again(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "add_entry")
    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)
    wire.mend()
    send(page, "Try again")
    fill_charge(page)
    assert len(charges(user)) == 1


def test_another_accounts_subscription_id_is_refused(
    user: User, upstream: AuthClient, new_account: Any
) -> None:
    stranger = sign_in_user(upstream, new_account())
    database, others = database_of(user), database_of(stranger)
    provider_id = database.select(Query("providers", "id", ["id"], limit=1))[0]["id"]
    plan = Subscription(provider_id, "Plan", Decimal(20), today(), 1).to_json() | {"id": str(uuid4())}
    database.insert("subscriptions", plan)
    with pytest.raises(Exception, match="duplicate key"):
        others.insert("subscriptions", plan)
    assert data.load_subscriptions(stranger) == []
