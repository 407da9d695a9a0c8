"""Settings of the limits of models."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from tally.alerts.model_limits import ModelLimit
from tests.app.pages import open_page, save, shown, usage
from tests.app.teams import new_team

LIMIT = ModelLimit("error_rate", "gpt-5.2", 60, Decimal("7.5"), 20)


def field(fields: Any, label: str) -> Any:
    """The only field with a label."""
    [found] = [each for each in fields if each.label == label]
    return found


def press(page: AppTest, label: str) -> None:
    field(page.button, label).click().run()
    assert not page.exception


def test_limits_are_added_changed_and_removed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "1")])
    page = open_page(monkeypatch, user, "settings", {"section": "Alerts"})
    assert "No limits yet." in shown(page)
    field(page.selectbox, "Model").set_value("gpt-5.2")
    field(page.number_input, "Failed requests, %").set_value(7.5)
    press(page, "Add limit")
    assert data.load_model_limits(user) == [LIMIT]
    assert "gpt-5.2: more than 7.5% of requests failed in the last hour, of at least 20 requests" in shown(
        page
    )

    page.segmented_control(key="limit_kind").set_value("latency").run()
    field(page.selectbox, "In the last").set_value(1440)
    field(page.number_input, "p95 latency, seconds").set_value(2.5)
    press(page, "Add limit")
    assert data.load_model_limits(user)[1] == ModelLimit("latency", "", 1440, Decimal(2500), 20)
    assert "Every model, each by itself: p95 latency above 2.50 s in the last day" in shown(page)

    field(page.number_input, "p95 latency, seconds").set_value(9)
    field(page.selectbox, "In the last").set_value(1440)
    press(page, "Add limit")
    assert [limit.limit for limit in data.load_model_limits(user)] == [Decimal("7.5"), Decimal(9000)]
    assert "Limit changed" in str([success.value for success in page.success])

    page.button(key="remove_limit_0").click().run()
    assert not page.exception
    assert [limit.kind for limit in data.load_model_limits(user)] == ["latency"]


def test_alert_rules_leave_the_limits_alone(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    database_of(user).call("set_model_limits", limits=[LIMIT.as_json()])
    page = open_page(monkeypatch, user, "settings", {"section": "Alerts"})
    press(page, "Save alerts")
    assert data.load_model_limits(user) == [LIMIT]


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_is_no_admin_only_reads_them(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any], role: Any
) -> None:
    member = new_team(job, user, role)
    stored = Jsonb([LIMIT.as_json()])
    job.execute(
        "update public.workspaces set model_limits = %s where id = %s",
        [stored, member.workspace.workspace_id],
    )
    page = open_page(monkeypatch, member, "settings", {"section": "Alerts"})
    assert "gpt-5.2: more than 7.5%" in shown(page)
    assert not [button for button in page.button if button.label in ("Add limit", "Remove")]
