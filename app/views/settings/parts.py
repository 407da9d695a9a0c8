"""The parts of Settings: their names, which are in the address, and what draws them."""

from collections.abc import Callable

import streamlit as st

from app import data
from app.auth.identity import User
from app.ui.periods import today_in
from app.views.settings.account_section import render_account
from app.views.settings.alert_rules_card import render_alert_rules
from app.views.settings.archive_card import render_archive
from app.views.settings.audit_log import render_audit_log
from app.views.settings.card import card
from app.views.settings.channels_card import render_channels
from app.views.settings.contents_card import render_contents
from app.views.settings.model_limits_card import render_model_limits
from app.views.settings.projects_card import render_projects_card
from app.views.settings.traces_card import render_traces
from app.views.settings.workspace_section import render_people, render_workspace

Part = Callable[[User], None]


def list_parts(user: User) -> dict[str, Part]:
    """The parts that the user may see in the open workspace, the first of them at first."""
    parts: dict[str, Part] = {
        "Projects": _render_projects,
        "Alerts": _render_alerts,
        "Traces": _render_traces,
    }
    if user.workspace.may_administer:
        parts["Audit log"] = _render_audit_log
    account: dict[str, Part] = {"My account": render_account}
    if user.workspace.is_personal:
        return account | parts
    return {"Workspace": render_workspace, "People": render_people} | parts | account


def _render_projects(user: User) -> None:
    today = today_in(data.load_preferences(user).zone)
    with card("projects"):
        render_projects_card(user, today, data.load_currency(user).code)


def _render_alerts(user: User) -> None:
    with card("channels"):
        render_channels(user, data.load_preferences(user).zone)
    with card("alerts"):
        render_alert_rules(user)
    with card("model_limits"):
        render_model_limits(user)


def _render_traces(user: User) -> None:
    """For how long traces, prompts and answers in them, and records are kept."""
    with card("traces"):
        render_traces(user)
    with card("contents"):
        render_contents(user)
    with card("archive"):
        render_archive(user)


def _render_audit_log(user: User) -> None:
    with st.container(border=True):
        render_audit_log(user, data.load_preferences(user).zone)
