"""The Overview page: spend by the account's days, without worth that is not money."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.formats.dates import format_day
from app.ui.periods import today_in
from tally.core.months import month_before
from tests.app.nightly_runs import ADD_ANOMALY, add_nightly_run
from tests.app.pages import hero, open_page, period_spend, read_models, save, shown, usage
from tests.days import current_day


def test_new_account_sees_the_welcome_page(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user)

    assert not page.exception
    assert "See what you spend on AI" in shown(page)
    assert not page.metric


def test_one_record_fills_the_page(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "0.42", request_count=3)])

    page = open_page(monkeypatch, user)

    assert not page.exception
    assert period_spend(page) == "$0.42"
    assert hero(page).startswith("$0.42 Forecast ready after the next nightly run")
    assert "$0.14 a request" in plain_text(page)


def test_included_worth_is_shown_and_not_added(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "1.10"), usage(0, "40", cost_basis="included", provider="claude-desktop")])

    page = open_page(monkeypatch, user)

    assert period_spend(page) == "$1.10"
    assert "worth $40.00" in plain_text(page)


def test_unpriced_records_are_reported_and_never_free(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    unpriced = [usage(0, None, cost_basis="estimated", model_name="new", request_count=n) for n in (5, 6)]
    save(user, [usage(0, "1.00", request_count=10), *unpriced])

    page = open_page(monkeypatch, user)

    assert "2 records have no price yet and are not included in these totals" in shown(page)
    assert "$0.10 a request" in plain_text(page)
    assert {name: cost for name, cost, _ in read_models(page)} == {"gpt-5.2": "$1.00", "new": "no price"}


def today_of(user: User) -> date:
    return today_in(data.load_preferences(user).zone)


def test_period_is_compared_with_the_previous_one(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "3"), usage(8, "2"), usage(40, "100")])

    page = open_page(monkeypatch, user)
    page.button(key="range_7D").click().run()
    assert page.segmented_control(key="range").value == "7D"

    assert period_spend(page) == "$3.00, up 50.0% on the 7 days before"


def test_period_before_the_first_record_is_not_compared(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "3"), usage(8, "2")])
    page = open_page(monkeypatch, user)
    page.button(key="range_7D").click().run()
    begins = format_day(today_of(user) - timedelta(days=8))
    assert period_spend(page).startswith("$3.00, against $2.00 since")
    assert period_spend(page).endswith(f"{begins} only")


def test_month_is_compared_once_the_month_before_is_recorded_whole(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    today = today_of(user)
    first, _ = month_before(today)
    save(user, [usage(0, "3"), usage((today - first).days - 1, "2")])
    assert "last month at this day" not in hero(open_page(monkeypatch, user))
    save(user, [usage((today - first).days, "2")])
    assert "last month at this day" in hero(open_page(monkeypatch, user))


def test_days_in_the_url_are_shown(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "3"), usage(10, "2")])
    day = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()

    page = open_page(monkeypatch, user)
    page.query_params["from"] = page.query_params["to"] = day
    page.run()

    assert period_spend(page) == "$2.00"
    assert page.segmented_control(key="no_range").value is None
    assert page.date_input(key="chosen_days").value == (date.fromisoformat(day),) * 2

    page.date_input(key="chosen_days").set_value((date.fromisoformat(day), current_day())).run()
    assert period_spend(page) == "$5.00"
    page.segmented_control(key="no_range").set_value("30D").run()
    assert page.segmented_control(key="range").value == "30D"
    assert "from" not in page.query_params


@pytest.mark.parametrize(
    "address",
    [
        {"from": "<script>", "to": "2026-01-01"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"from": "2026-03-01", "to": "2026-02-01"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "2026-01-01"},
        {"range": "![x](http://example.com)"},
    ],
)
def test_hostile_url_falls_back_to_the_default_days(
    monkeypatch: pytest.MonkeyPatch, user: User, address: dict[str, str]
) -> None:
    save(user, [usage(1, "3")])

    page = open_page(monkeypatch, user)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()

    assert not page.exception
    assert period_spend(page) == "$3.00"


def test_period_without_spend_shows_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(60, "3")])

    page = open_page(monkeypatch, user)

    assert not page.exception
    assert "No spend in this period" in shown(page)


def test_unreachable_database_shows_a_message_and_a_retry_button(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:9")

    page = open_page(monkeypatch, user)

    assert not page.exception
    assert "cannot be reached" in shown(page)
    assert [button.label for button in page.button] == ["Try again"]


def test_invalid_token_shows_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    forged = replace(user, access_token=user.access_token[:-8] + "AAAAAAAA")

    page = open_page(monkeypatch, forged)

    assert not page.exception
    assert "Try again" in [button.label for button in page.button]
    assert not page.metric


def test_month_end_shows_the_chance_of_exceeding_the_limit(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "2")])
    add = "insert into public.budgets (workspace_id, name, amount) values (%s, 'M', 100)"
    job.execute(add, [user.user_id])
    page = open_page(monkeypatch, user)
    assert "of $100 Forecast ready" in hero(page)
    assert "No forecast yet" in plain_text(page)

    add_nightly_run(job, user, current_day())
    page = open_page(monkeypatch, user)
    assert "2% chance of exceeding" in hero(page)
    assert "$98.00 left" in hero(page)
    assert "On track" in plain_text(page)

    job.execute("update public.budgets set amount = 1.50 where workspace_id = %s", [user.user_id])
    page = open_page(monkeypatch, user)
    assert "$0.50 over" in hero(page)
    assert "Exceeded on" in plain_text(page)


def test_a_newer_run_of_other_series_changes_no_month_end(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "2")])
    add_nightly_run(job, user, current_day() - timedelta(days=3))
    before = hero(open_page(monkeypatch, user))
    assert "likely" in before
    add_nightly_run(job, user, current_day(), "gpt-5")  # that of the total failed
    assert hero(open_page(monkeypatch, user)) == before


def test_anomaly_is_shown_until_it_is_muted(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "18.40")])
    job.execute(ADD_ANOMALY, [user.workspace.workspace_id, current_day() - timedelta(days=1)])

    page = open_page(monkeypatch, user)
    assert "usually $4.00. More use (+$14.40)" in plain_text(page)

    page.button(key=mute_key(page, "Mute")).click().run()
    assert "Muted: " in plain_text(page)
    page.button(key=mute_key(page, "Unmute")).click().run()
    assert "Muted: " not in plain_text(page)
    assert "More use" in plain_text(page)
    page.button(key=mute_key(page, "Mute")).click().run()
    assert "More use" not in plain_text(page.run())


def plain_text(page: AppTest) -> str:
    return shown(page).replace("\\", "")


def mute_key(page: AppTest, label: str) -> str:
    return next(str(button.key) for button in page.button if button.label == label)
