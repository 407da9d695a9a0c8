"""The Overview's card of findings: what is idle or always fails, and where to look."""

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from app.auth.identity import User
from tests.app.pages import open_page, read_markdown, save, shown, usage
from tests.days import current_day

HOSTILE = "<b>x</b> ![x](http://localhost/x) :red[y]"


def add_event(
    job: psycopg.Connection[Any], user: User, subject: str, facts: dict[str, Any], state: str = "open"
) -> None:
    job.execute(
        """insert into public.alert_events (workspace_id, kind, subject, period_start, severity, state, facts)
        values (%s, 'idle', %s, %s, 'info', %s, %s)""",
        [user.user_id, subject, current_day(), state, Jsonb(facts)],
    )


def add_agent(job: psycopg.Connection[Any], user: User, name: str, state: str = "open") -> None:
    facts = {"finding": "agent", "name": name, "calls": 12, "days": 14, "amount": "3.2", "link": "traces"}
    add_event(job, user, f"agent:{name}", facts, state)


def test_findings_say_what_to_do_and_lead_there(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "1")])
    add_agent(job, user, HOSTILE)
    key = {"finding": "key", "name": "CI", "days": 41, "since": "2026-01-05", "was_used": True}
    add_event(job, user, "key:1", key | {"link": "keys"})
    page = open_page(monkeypatch, user)
    assert not page.exception
    text = read_markdown(shown(page))
    assert "Worth a look" in text
    assert "Key “CI” is not used" in text
    assert "Its last use was 41 days ago, on 5 January 2026." in text
    assert "12 calls of the last 14 days failed. They cost $3.20." in text
    assert {button.label for button in page.button if str(button.key).startswith("finding-")} == {
        "Keys",
        "Traces",
    }


def test_what_is_over_or_was_only_recorded_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "1")])
    add_agent(job, user, "over", "cleared")
    add_agent(job, user, "history", "late")
    page = open_page(monkeypatch, user)
    assert not page.exception
    assert "Worth a look" not in shown(page)


def test_many_findings_are_folded(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(0, "1")])
    for number in range(8):
        add_agent(job, user, f"agent {number}")
    page = open_page(monkeypatch, user)
    assert [expander.label for expander in page.expander if "finding" in expander.label] == [
        "3 more findings"
    ]
