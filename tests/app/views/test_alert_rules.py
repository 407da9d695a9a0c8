"""Settings of what a workspace is alerted of."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from tally.alerts.rules import DEFAULTS
from tests.app.pages import open_page, shown
from tests.app.teams import new_team


def save(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Save alerts").click().run()
    assert not page.exception


def test_kinds_and_limits_are_saved(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    assert data.load_alert_rules(user) == DEFAULTS
    page = open_page(monkeypatch, user, "settings", {"section": "Alerts"})
    next(toggle for toggle in page.toggle if "renews soon" in toggle.label).set_value(False)
    next(field for field in page.number_input if field.label == "Days without data").set_value(9)
    save(page)
    assert data.load_alert_rules(user) == replace(DEFAULTS, renewal=False, silent_days=9)
    assert "Alerts saved" in str([success.value for success in page.success])


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_is_no_admin_only_reads_them(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any], role: Any
) -> None:
    member = new_team(job, user, role)
    query = "update public.workspaces set alert_rules = '{\"renewal\": false}' where id = %s"
    job.execute(query, [member.workspace.workspace_id])
    page = open_page(monkeypatch, member, "settings", {"section": "Alerts"})
    assert not [button for button in page.button if button.label == "Save alerts"]
    assert "A day out of the ordinary" in shown(page)
    assert "renews soon" not in shown(page)
