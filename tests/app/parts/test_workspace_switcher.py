"""The field that switches between workspaces."""

from typing import Any

import psycopg
import pytest

from app.auth.identity import User
from app.auth.sessions import sessions
from app.auth.workspaces import Workspace, personal_workspace
from app.parts.workspace_switcher import CREATE, CREATE_LABEL, label_workspaces
from tests.app.pages import open_page
from tests.app.teams import new_team

Job = psycopg.Connection[Any]


def test_options_differ_in_their_text() -> None:
    names = ("Ops", "Ops", "Ops (2)", "Personal", CREATE_LABEL, "Sales")
    teams = [Workspace(f"team-{place}", "owner", name) for place, name in enumerate(names)]
    workspaces = [personal_workspace("0"), *teams]

    labels = label_workspaces(workspaces)

    assert [labels[workspace.workspace_id] for workspace in workspaces] == [
        *("Personal", "Ops", "Ops (2)", "Ops (2) (2)", "Personal (2)", f"{CREATE_LABEL} (2)", "Sales")
    ]
    assert len(set(labels.values())) == len(workspaces) + 1


def test_field_needs_a_second_workspace(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    assert "switcher" not in {box.key for box in open_page(monkeypatch, user).selectbox}


def test_switching_keeps_the_page_and_is_remembered(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    team = new_team(job, user).workspace.workspace_id
    page = open_page(monkeypatch, user, "prices")

    page.selectbox(key="switcher").set_value(team).run()
    assert (page.title[0].value, page.query_params["workspace"]) == ("Prices", team)
    assert sessions().last_workspace(user.user_id) == team

    page.selectbox(key="switcher").set_value(user.user_id).run()
    assert (page.title[0].value, "workspace" in page.query_params) == ("Prices", False)
    assert sessions().last_workspace(user.user_id) is None


def test_dialog_to_create_a_workspace_keeps_the_choice(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    team = new_team(job, user)
    page = open_page(monkeypatch, team)

    page.selectbox(key="switcher").set_value(CREATE).run()

    assert not page.exception
    assert page.selectbox(key="switcher").value == team.workspace.workspace_id
    assert "Create workspace" in [button.label for button in page.button]
