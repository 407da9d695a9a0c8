"""Alerts that are new to their reader, on the Overview, and the number beside Budgets in the menu."""

from datetime import datetime
from typing import Any, cast

import psycopg
import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.data import unread_alerts as store
from app.parts import risk_count
from tests.app.budgets import add_budget
from tests.app.pages import open_page, read_markdown, save, shown, usage
from tests.days import current_day

HOSTILE = "<b>x</b> ![x](http://localhost/x) :red[y]"
ADD_EVENT = """
insert into public.alert_events (
    workspace_id, kind, subject, period_start, severity, state, facts, occurred_at, threshold_id
)
values (%s, 'budget', %s, %s, 'warning', %s, %s, %s, gen_random_uuid())"""
EARLIER, LATER = datetime.fromisoformat("2026-01-05T08:00Z"), datetime.fromisoformat("2026-01-05T09:00Z")

Job = psycopg.Connection[Any]


def add_alert(
    job: Job, user: User, budget: str, percent: int, at: datetime = EARLIER, state: str = "open"
) -> None:
    facts = {"budget": HOSTILE, "threshold": "actual", "percent": percent, "amount": "80", "currency": "USD"}
    job.execute(ADD_EVENT, [user.user_id, budget, current_day().replace(day=1), state, Jsonb(facts), at])


def unread(page: AppTest) -> list[str]:
    assert not page.exception
    return [read_markdown(button.label) for button in page.button if button.key == "unread_alerts"]


def menu_numbers(page: AppTest) -> list[str]:
    bodies: list[str] = [html.body for html in cast(Any, page.get("html"))]
    return [body for body in bodies if "::after" in body]


def test_an_alert_is_named_until_its_budget_was_opened(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    save(user, [usage(0, "3")])
    budget = add_budget(user, HOSTILE, "80")
    assert unread(open_page(monkeypatch, user)) == []
    add_alert(job, user, budget, 80)

    page = open_page(monkeypatch, user)
    assert unread(page) == [f"Budget “{HOSTILE}”: 80% is reached"]
    page.button(key="unread_alerts").click().run()
    assert page.query_params["budget"] in (budget, [budget])
    assert "80% is reached" in read_markdown(shown(page))

    assert unread(open_page(monkeypatch, user)) == []
    add_alert(job, user, budget, 100, LATER)
    assert unread(open_page(monkeypatch, user)) == [f"Budget “{HOSTILE}” is exceeded"]
    open_page(monkeypatch, user, "budgets")
    assert unread(open_page(monkeypatch, user)) == []


def test_several_alerts_are_one_line_that_names_the_highest_of_the_newest(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    save(user, [usage(0, "3")])
    first, second = add_budget(user, "First", "80"), add_budget(user, "Second", "70")
    add_alert(job, user, first, 100)
    add_alert(job, user, second, 50, LATER)
    add_alert(job, user, second, 80, LATER)
    add_alert(job, user, first, 50, LATER, "superseded")
    page = open_page(monkeypatch, user)
    assert unread(page) == [f"Budget “{HOSTILE}”: 80% is reached, and 2 more alerts"]
    page.button(key="unread_alerts").click().run()
    assert "budget" not in page.query_params


def test_noting_alerts_keeps_other_facts_and_other_workspaces(user: User) -> None:
    others = {
        f"{nth:08}-0000-4000-8000-000000000000": f"2025-01-01T00:00:{nth % 60:02}Z" for nth in range(80)
    }
    data.load_preferences(user)
    metadata = data.load_preference_metadata(user) | {"kept": 1, store.READ: others}
    database_of(user).update("user_preferences", user.user_id, {"metadata": metadata}, key="user_id")
    alerts = [data.UnreadAlert("b", {}, at.isoformat()) for at in (LATER, EARLIER)]
    data.note_read_alerts(user, alerts)
    noted = data.load_preference_metadata(user)
    assert noted["kept"] == 1
    assert noted[store.READ][user.workspace.workspace_id] == LATER.isoformat()
    assert len(noted[store.READ]) == store.MOST_NOTED
    assert "timezone_set" not in noted, "a time zone that nobody chose is not fixed by it"


@pytest.mark.parametrize("noted", [None, 5, [], {"x": 1}, "soon", "2026-01-06", "9999-12-31T23:59:59"])
def test_a_note_that_is_no_instant_hides_nothing(user: User, job: Job, noted: object) -> None:
    add_alert(job, user, "a budget", 80)
    for metadata in ({store.READ: noted}, {store.READ: {user.workspace.workspace_id: noted}}):
        database_of(user).update("user_preferences", user.user_id, {"metadata": metadata}, key="user_id")
        data.forget_version(user)
        assert [alert.budget_id for alert in data.load_unread_alerts(user)] == ["a budget"]


def test_the_menu_counts_budgets_at_risk(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "3")])
    assert menu_numbers(open_page(monkeypatch, user)) == []
    over = add_budget(user, "Over", "2")
    add_budget(user, "Far", "2000")
    page = open_page(monkeypatch, user)
    [number] = menu_numbers(page)
    assert 'a[href$="/budgets"]' in number
    assert '"1" / ", 1 at risk"' in number

    data.delete_budget(user, over)
    assert "content:none" in menu_numbers(page.run())[-1]
    assert menu_numbers(page.run()) == []


def test_other_pages_show_the_number_and_count_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(0, "3")])
    add_budget(user, "Over", "2")
    monkeypatch.setattr(risk_count, "KNOWN_SECONDS", 3600)  # however slow this machine is
    counted: list[str] = []
    load = data.load_budgets

    def count(user: User) -> Any:
        counted.append(user.user_id)
        return load(user)

    monkeypatch.setattr(data, "load_budgets", count)
    page = open_page(monkeypatch, user, "records")
    assert len(menu_numbers(page)) == 1
    assert len(menu_numbers(page.run())) == 1
    assert len(counted) == 1
