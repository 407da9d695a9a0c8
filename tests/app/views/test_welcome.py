"""The first page of a new account: three ways in, its defaults, and sample data that is marked as such."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.views.overview.defaults import guess_currency
from tests.app.coding_agents import own_installation
from tests.app.pages import open_page, save, shown, spent, usage
from tests.app.teams import new_team

RATES = ["USD", "EUR", "JPY"]


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def test_another_machine_gets_the_commands(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user)
    assert page.code[0].value == ".venv/bin/tally login\n.venv/bin/tally collect"
    assert {"Or send telemetry with a key", "Choose a provider", "Choose a file"} <= labels(page)


@pytest.mark.usefixtures("logs")
def test_agents_of_this_machine_are_scanned_from_their_tile(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    own_installation(job, user)
    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    page = open_page(monkeypatch, user)
    assert "Claude Code" in shown(page)
    assert page.button(key="scan-machine").label == "Scan 1 file"
    page.button(key="scan-machine").click().run()
    page.session_state.scan_job.wait(60)
    page.run()
    assert not page.exception
    assert "See what you spend on AI" not in shown(page)
    assert spent(user) == Decimal("0.30")


@pytest.mark.usefixtures("logs")
def test_agents_of_this_machine_are_scanned_from_the_empty_page_agents(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    own_installation(job, user)
    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    page = open_page(monkeypatch, user, "agents")
    assert "Run this on each other machine" in shown(page)
    page.button(key="scan-machine").click().run()
    page.session_state.scan_job.wait(60)
    page.run()
    assert not page.exception
    assert "Most expensive sessions" in shown(page)


def test_scan_without_results_says_so_in_its_tile(
    monkeypatch: pytest.MonkeyPatch, user: User, logs: Path, job: psycopg.Connection[Any]
) -> None:
    own_installation(job, user)
    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    page = open_page(monkeypatch, user)
    for file in logs.rglob("*.jsonl"):
        file.unlink()
    page.button(key="scan-machine").click().run()
    page.session_state.scan_job.wait(60)
    page.run()
    assert not page.exception
    assert "This machine has no logs of coding agents." in shown(page)
    assert "Scan again" in labels(page)


def send_defaults(page: AppTest, limit: str) -> AppTest:
    page.selectbox(key="default-currency").set_value("EUR")
    page.selectbox(key="default-timezone").set_value("Asia/Tokyo")
    page.text_input(key="default-limit").set_value(limit)
    return next(button for button in page.button if button.label == "Save defaults").click().run()


def test_defaults_are_asked_once(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = send_defaults(open_page(monkeypatch, user), "$600")
    assert not page.exception
    assert "Save defaults" not in labels(page)
    preferences = data.load_preferences(user)
    assert (preferences.currency, preferences.timezone) == ("EUR", "Asia/Tokyo")
    [status] = data.load_budgets(user)
    assert status.budget.amount == 600
    assert (status.budget.currency, status.budget.period_kind) == ("EUR", "month")
    assert {(one.kind, one.percent) for one in status.budget.thresholds} == set(data.USUAL_THRESHOLDS)
    assert "Save defaults" not in labels(open_page(monkeypatch, user))


@pytest.mark.parametrize("limit", ["0", "-5", "many", "1e12", "10" * 10])
def test_unreadable_limit_saves_nothing(monkeypatch: pytest.MonkeyPatch, user: User, limit: str) -> None:
    page = send_defaults(open_page(monkeypatch, user), limit)
    assert "limit" in page.error[0].value.lower()
    assert data.load_preferences(user).currency == "USD"
    assert data.load_budgets(user) == []


def test_defaults_without_a_limit_make_no_budget(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    send_defaults(open_page(monkeypatch, user), " ")
    assert data.load_preferences(user).currency == "EUR"
    assert data.load_budgets(user) == []


@pytest.mark.parametrize(
    ("locale", "currency"),
    [
        ("de-DE", "EUR"),
        ("ja-JP", "JPY"),
        ("en-US", "USD"),
        ("de", "USD"),
        ("en-CH", "USD"),  # the rates offered here have no francs
        (None, "USD"),
        ("", "USD"),
        ("x" * 100, "USD"),
        ("en-US'; drop", "USD"),
    ],
)
def test_currency_follows_the_country_of_the_browser(locale: str | None, currency: str) -> None:
    assert guess_currency(locale, RATES, date(2026, 11, 1)) == currency


def test_members_of_a_team_connect_no_provider_and_set_no_defaults(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    page = open_page(monkeypatch, new_team(job, user, "member"))
    assert not page.exception
    assert "Only owners and admins connect providers." in shown(page)
    assert labels(page).isdisjoint({"Choose a provider", "Save defaults"})


def test_viewers_are_offered_nothing(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    page = open_page(monkeypatch, new_team(job, user, "viewer"))
    assert "Nothing to see yet." in str([text.value for text in page.text])
    assert "Choose a file" not in labels(page)


def test_sample_data_is_marked_until_it_is_removed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    open_page(monkeypatch, user).button(key="load-sample").click().run()
    for name in ("overview", "records"):
        page = open_page(monkeypatch, user, name)
        assert not page.exception
        assert "Sample data" in shown(page)
        assert page.button(key="remove-sample").label == "Remove"
    data.forget_version(user)
    source = data.load_sample_source(user)
    assert source is not None
    assert source["filename"]


def test_own_costs_are_not_marked_as_sample_data(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "1")])
    page = open_page(monkeypatch, user)
    assert "remove-sample" not in {button.key for button in page.button}
