"""The workspace in the address: only members see it, as long as they are members, with the role they have."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import streamlit as st

from app import data
from app.auth.identity import User
from app.auth.sessions import sessions
from app.auth.workspaces import Workspace
from app.parts.permissions import ONLY_LOOK
from app.parts.workspace_choice import OUT_OF_REACH
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_page, save, shown, usage
from tests.app.teams import join, new_team, remove, set_role
from tests.app.ui.shown_table import tables
from tests.app.wire import Wire

Job = psycopg.Connection[Any]
LOST = "You are no longer a member of Team. This is your personal workspace."


@pytest.fixture
def other(upstream: AuthClient, new_account: Callable[[], Account]) -> User:
    """Another account."""
    return sign_in_user(upstream, new_account())


def warnings(page: Any) -> list[str]:
    return [str(warning.value).replace("\\", "") for warning in page.warning]


def test_address_opens_the_workspace(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    member = new_team(job, user)
    save(member, [usage(1, "5", model_name="of-the-team")])

    page = open_page(monkeypatch, member, "records")

    assert tables(page)[0].value["model"].tolist() == ["of-the-team"]
    assert open_page(monkeypatch, user, "records").button(key="get-started").label == "Get started"


@pytest.mark.parametrize("kind", ["rubbish", "unknown", "foreign", "deleted"])
def test_workspace_out_of_reach_is_explained_once(
    monkeypatch: pytest.MonkeyPatch, user: User, other: User, job: Job, kind: str
) -> None:
    foreign = new_team(job, other).workspace.workspace_id
    named = {"rubbish": "x'; --", "unknown": str(uuid4()), "foreign": foreign, "deleted": str(uuid4())}[kind]
    lost = replace(user, workspace=Workspace(named, "owner"))

    page = open_page(monkeypatch, lost)

    assert warnings(page) == [OUT_OF_REACH]
    assert page.title[0].value == "Overview"
    assert "workspace" not in page.query_params
    assert warnings(page.run()) == []


def test_address_of_the_personal_workspace_is_shortened(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, replace(user, workspace=Workspace(user.user_id, "owner")))

    assert (warnings(page), "workspace" in page.query_params) == ([], False)


def test_removed_member_loses_an_open_page(
    monkeypatch: pytest.MonkeyPatch, user: User, other: User, job: Job
) -> None:
    member = new_team(job, user)
    join(job, member, other, "owner")
    save(member, [usage(1, "5", model_name="of-the-team")])
    sessions().save_last_workspace(user.user_id, member.workspace.workspace_id)
    page = open_page(monkeypatch, member, "records")
    assert len(tables(page)) == 1

    remove(job, member)
    data.forget_version(member)
    page.run()

    assert warnings(page) == [LOST]
    assert len(tables(page)) == 0
    assert "workspace" not in page.query_params
    assert sessions().last_workspace(user.user_id) is None
    assert warnings(page.run()) == []


def test_demoted_member_has_the_new_role_in_an_open_page(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    member = new_team(job, user, "member")
    page = open_page(monkeypatch, member, "add_entry")
    assert ONLY_LOOK not in shown(page)

    set_role(job, member, "viewer")
    time.sleep(1.1)  # the data version is cached for a second
    page.run()

    assert ONLY_LOOK in shown(page)


def test_new_member_needs_no_new_session(
    monkeypatch: pytest.MonkeyPatch, user: User, other: User, job: Job
) -> None:
    """An invitation may be accepted by another program, after the list of workspaces was read."""
    page = open_page(monkeypatch, user)
    joined = join(job, new_team(job, other), user, "member")

    page.query_params["workspace"] = joined.workspace.workspace_id
    page.session_state["workspace"] = joined.workspace.workspace_id
    page.run()

    assert warnings(page) == []
    assert page.selectbox(key="switcher").value == joined.workspace.workspace_id


def test_list_of_workspaces_costs_no_request_per_run(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user)
    for _ in range(3):
        page.run()

    assert wire.count("POST /rest/v1/rpc/list_workspaces") == 1


def test_team_has_its_own_days_and_currency(user: User, job: Job) -> None:
    st.cache_data.clear()
    team = new_team(job, user, timezone="Asia/Kathmandu", currency="EUR")

    preferences = data.load_preferences(team)

    assert (preferences.timezone, data.load_currency(team).code) == ("Asia/Kathmandu", "EUR")
    assert (data.load_preferences(user).timezone, data.load_currency(user).code) == ("UTC", "USD")


def test_job_is_shown_in_its_own_workspace(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    member = new_team(job, user)
    page = open_page(monkeypatch, member)
    page.session_state["scan_job"] = "of the team"

    page.session_state["entered_workspace"] = ""
    page.run()
    assert "scan_job" not in page.session_state

    page.session_state["entered_workspace"] = member.workspace.workspace_id
    page.run()
    assert page.session_state["scan_job"] == "of the team"
