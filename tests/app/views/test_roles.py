"""Pages of a shared workspace by role: viewers change nothing, members what is their own."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.data import workspace_changes
from app.parts.permissions import BUDGETS, ONLY_LOOK, OTHERS, OWN_ONLY, PRICES
from tally.accounts.auth_client import AuthClient
from tally.ledger.save import save_records
from tally.pricing.custom_prices import CustomPrice
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.subscriptions import Subscription, add_subscription
from tests.app.accounts import Account, sign_in_user
from tests.app.nightly_runs import ADD_ANOMALY
from tests.app.pages import open_page, save, shown, usage
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import select_line
from tests.days import current_day

Job = psycopg.Connection[Any]
KEYS = "Only owners and admins can see and change the keys of this workspace."
REASONS = {
    "overview": "",
    "records": ONLY_LOOK,
    "imports": ONLY_LOOK,
    "connections": KEYS,
    "sources": ONLY_LOOK,
    "add_entry": ONLY_LOOK,
    "subscriptions": ONLY_LOOK,
    "prices": ONLY_LOOK,
    "forecast": "",
    "budgets": BUDGETS,
}
HARMLESS = {"Preview changes", "Last 7 days", "All time", "Explore"}


@pytest.fixture
def owner(upstream: AuthClient, new_account: Callable[[], Account], job: Job) -> User:
    """The owner of a workspace with something of everything, where everyone sees everything."""
    owner = new_team(job, sign_in_user(upstream, new_account()), person_split="everyone")
    save(owner, [usage(1, "18.40"), usage(0, None, cost_basis="estimated", model_name="unpriced")])
    database, providers = database_of(owner), data.load_providers(owner)
    openai = next(provider for provider in providers if provider.slug == "openai")
    entry: Any = {"entry_id": uuid4(), "provider": "openai", "day": current_day(), "timezone": "UTC"}
    add_entry(database, ManualEntry(**entry, model_name="by hand", cost_usd=Decimal(3)))
    add_subscription(
        database, Subscription(openai.provider_id, "Plus", Decimal(20), current_day(), current_day().day)
    )
    price = CustomPrice("openai", "unpriced", current_day(), Decimal(1), Decimal(2))
    database.insert("model_prices", price.to_json(openai.provider_id))
    job.execute(ADD_ANOMALY, [owner.workspace.workspace_id, current_day() - timedelta(days=1)])
    return owner


def enabled_buttons(page: AppTest) -> set[str]:
    return {button.label for button in page.button if not button.disabled}


def select_first(page: AppTest, user: User) -> AppTest:
    """Select the first subscription."""
    row = data.load_subscriptions(user)[0]
    key = f"subscriptions-{row['id']}-1"
    return select_line(page, key, 0)


@pytest.mark.parametrize("name", REASONS)
def test_viewer_sees_every_page_and_can_change_nothing(
    monkeypatch: pytest.MonkeyPatch, user: User, owner: User, job: Job, name: str
) -> None:
    page = open_page(monkeypatch, join(job, owner, user, "viewer"), name)

    assert not page.exception
    assert REASONS[name] in shown(page)
    assert enabled_buttons(page) <= HARMLESS
    assert not page.get("file_uploader")


def test_member_changes_own_entries_and_no_others(
    monkeypatch: pytest.MonkeyPatch, user: User, owner: User, job: Job
) -> None:
    member = join(job, owner, user, "member")
    page = select_first(open_page(monkeypatch, member, "subscriptions"), member)

    assert OTHERS in shown(page)
    assert enabled_buttons(page) == {"Add subscription"}
    page = select_first(open_page(monkeypatch, owner, "subscriptions"), owner)
    assert enabled_buttons(page) == {"Add subscription", "Edit", "End", "Delete"}


def test_member_sees_prices_and_changes_none(
    monkeypatch: pytest.MonkeyPatch, user: User, owner: User, job: Job
) -> None:
    page = open_page(monkeypatch, join(job, owner, user, "member"), "prices")

    assert PRICES in shown(page)
    assert enabled_buttons(page) <= HARMLESS
    assert "Add a price" in enabled_buttons(open_page(monkeypatch, owner, "prices"))


@pytest.mark.parametrize("kind", ["connection", "machine"])
def test_member_changes_no_source_of_a_connection(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job, kind: str
) -> None:
    member = new_team(job, user, "member")
    database = database_of(member)
    source = database.insert("imports", {"kind": kind, "filename": "Work", "format": "openai-api"})["id"]
    save_records(database, [usage(1, "2")], source)
    data.forget_version(member)
    page = open_page(monkeypatch, member, "sources")
    select_line(page, f"sources-{source}-1", 0)

    assert (OTHERS in shown(page)) is (kind == "connection")
    assert ("Delete source" in enabled_buttons(page)) is (kind == "machine")


def test_owner_may_do_what_the_viewer_may_not(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    """The checks above can fail: the same workspace offers changes to its owner."""
    assert "Mute" in enabled_buttons(open_page(monkeypatch, owner))
    assert open_page(monkeypatch, owner, "imports").get("file_uploader")


@pytest.mark.parametrize("name", ["records", "sources", "imports", "subscriptions"])
def test_list_without_others_says_so(
    monkeypatch: pytest.MonkeyPatch, user: User, owner: User, job: Job, name: str
) -> None:
    member = join(job, owner, user, "member")
    assert OWN_ONLY not in shown(open_page(monkeypatch, member, name))

    workspace_changes.update_workspace(owner, person_split="admins")
    assert OWN_ONLY in shown(open_page(monkeypatch, member, name))
    assert OWN_ONLY not in shown(open_page(monkeypatch, owner, name))


def test_viewer_of_an_empty_workspace_is_not_asked_to_import(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    page = open_page(monkeypatch, new_team(job, user, "viewer"))

    assert f"Nothing to see yet. {ONLY_LOOK}" in shown(page)
    assert enabled_buttons(page) == set()
