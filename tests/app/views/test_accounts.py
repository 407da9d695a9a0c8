"""Billing accounts on Sources and Records: names, filters, and rules."""

from decimal import Decimal

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data.changes import name_account
from app.views.sources.account_costs import sum_accounts
from tests.app.pages import open_page
from tests.app.projects import add_project, set_rules
from tests.app.ui.shown_table import select_line, shown_table, tables
from tests.app.views.test_projects_card import button
from tests.app.views.test_sources import add_source, estimate


@pytest.fixture
def accounts(user: User) -> None:
    """Two files of one account each."""
    add_source(user, [estimate(1, "3")], "work.csv", "openai_usage")
    private = estimate(
        1, "5", provider="anthropic", billing_account="anthropic", metadata={"project": "shop"}
    )
    add_source(user, [private], "private.csv", "generic")


def table(page: AppTest, column: str) -> pd.DataFrame:
    return shown_table(next(found for found in tables(page) if column in found.value.columns))


def test_costs_of_accounts_are_told_apart_by_basis() -> None:
    statements = pd.DataFrame(
        {
            "billing_account": ["a", "a", "b", "b"],
            "cost_basis": ["billed", "estimated", "billed", "included"],
            "effective_usd": [Decimal(1), Decimal(2), Decimal(5), Decimal(9)],
        },
        dtype=object,
    )

    assert sum_accounts(statements).to_numpy().tolist() == [["b", 5, None], ["a", 1, 2]]
    assert sum_accounts(statements[:0]).empty


@pytest.mark.usefixtures("accounts")
def test_account_is_named(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    with monkeypatch.context() as signed_in:  # modules that pages import must not keep it
        signed_in.setattr(identity, "current_user", lambda: user)
        dialog = AppTest.from_function(open_dialog, default_timeout=60).run()
        dialog.text_input[0].set_value("Work")
        button(dialog, "Save name")

    assert data.load_account_names(user) == {"openai": "Work"}
    assert "Work" in set(table(open_page(monkeypatch, user, "sources"), "account")["name"])


def open_dialog() -> None:
    """The dialog on its own, as AppTest closes dialogs."""
    from app.views.sources.accounts import ask_for_name

    ask_for_name("openai", "")


@pytest.mark.usefixtures("accounts")
def test_records_and_sources_are_filtered_by_a_named_account(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    name_account(user, "openai", "Work")

    records = open_page(monkeypatch, user, "records", {"account": "Work"})
    assert table(records, "cost")["cost"].tolist() == ["$3.00"]
    sources = open_page(monkeypatch, user, "sources")
    assert len(table(sources, "last_import")) == 2
    sources.selectbox(key="of_account").set_value("openai").run()
    assert table(sources, "last_import")["source"].tolist() == ["work.csv"]


@pytest.mark.usefixtures("accounts")
def test_sources_are_filtered_by_project(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    set_rules(user, ("folder", "shop", add_project(user, "Garden shop")))

    page = open_page(monkeypatch, user, "sources")
    page.selectbox(key="chosen_project").set_value("garden-shop").run()

    assert not page.exception
    assert table(page, "last_import")["source"].tolist() == ["private.csv"]
    page.selectbox(key="chosen_project").set_value("-").run()
    assert table(page, "last_import")["source"].tolist() == ["work.csv"]


@pytest.mark.usefixtures("accounts")
def test_account_is_filed_under_a_project(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_project(user, "Garden shop")
    page = open_page(monkeypatch, user, "sources")
    select_line(page, next(found.key for found in tables(page) if "account" in found.value.columns), 0)

    button(page, "File under a project")

    assert page.selectbox(key="rule-field").value == "billing_account"
    assert page.text_input(key="rule-value").value == "anthropic"
