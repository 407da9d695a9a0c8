"""Settings: the audit log in words, for admins."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.views.settings.audit_log import write_log
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.figures.test_audit_words import entry
from tests.app.pages import open_page, shown
from tests.app.projects import add_project, archive, set_rules
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import tables


def rows(page: AppTest) -> list[tuple[str, str]]:
    table = next(table.value for table in tables(page) if "details" in table.value.columns)
    return list(zip(table["action"], table["details"], strict=True))


def test_log_is_in_words_and_can_be_searched(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    shop = add_project(user, "=Garden shop")
    set_rules(user, ("folder", "shop", shop))
    archive(user, shop)

    page = open_page(monkeypatch, user, "settings", {"section": "Audit log"})

    assert not page.exception
    assert rows(page) == [
        ("Archived project", "=Garden shop"),
        ("Added rule", "Folder is shop, to =Garden shop"),
        ("Created project", "=Garden shop"),
    ]
    page.text_input(key="audit_search").set_value("archived").run()
    assert [action for action, _ in rows(page)] == ["Archived project"]
    page.text_input(key="audit_search").set_value("nothing like it").run()
    assert "No entry contains this text." in shown(page)


def test_more_entries_are_shown_on_request(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    for nth in range(12):
        add_project(user, f"Project {nth}")

    page = open_page(monkeypatch, user, "settings", {"section": "Audit log"})

    assert len(rows(page)) == 10
    assert "Newest 10 of 12. Entries cannot be changed or deleted." in shown(page)
    page.button(key="more-audit").click().run()
    assert len(rows(page)) == 12
    assert "12 in total." in shown(page)
    page.text_input(key="audit_search").set_value("project 11").run()
    assert "1 in total." in shown(page)
    assert len(data.load_audit_log(user, "", 5)) == 5


def test_exported_cells_cannot_run_as_formulas() -> None:
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    logged = entry("projects", "insert", after={"name": '=1+1,"a"'}, created_at=moment)

    assert write_log([logged], {}).decode().splitlines() == [
        "when,who,action,details,address",
        '2026-11-02T00:00:00+00:00,grace@example.com,Created project,"\'=1+1,""a""",',
    ]


def test_log_is_for_admins_only(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: psycopg.Connection[object],
) -> None:
    owner = new_team(job, sign_in_user(upstream, new_account()))
    member = join(job, owner, user, "member")

    assert "Audit log" in shown(open_page(monkeypatch, owner, "settings", {"section": "Audit log"}))
    assert "Audit log" not in shown(open_page(monkeypatch, member, "settings", {"section": "Audit log"}))
