"""Billing accounts with their costs: people name them, and file them under a project."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data.changes import name_account
from app.figures.source_names import describe_billing_account
from app.parts.rule_start import Fields, start_new_rule
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import render_choices, render_lines, selected_line
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal
from app.views.sources.account_costs import sum_accounts

MAX_NAME_LENGTH = 100
UNLISTED = "Costs that name no billing account, such as those of your own tables, are only in the totals."


def render_accounts(
    user: User, statements: pd.DataFrame, providers: Mapping[str, str], currency: str
) -> None:
    """The accounts of a period, with buttons for the selected one; only admins have them."""
    given = data.load_account_names(user)
    table = sum_accounts(statements)
    if table.empty:
        return
    table["name"] = [describe_billing_account(account, providers, given) for account in table["account"]]
    kinds = {
        "name": columns.name("Name"),
        "account": columns.name("Account"),
        "billed": columns.money("Billed", currency),
        "estimated": columns.money("Estimated", currency),
    }
    key = f"accounts-{hash(tuple(table['account']))}"
    may_change = user.workspace.may_administer
    with st.container(border=True):
        render_heading("Billing accounts", "in this period")
        if may_change:
            position = selected_line(key, len(table))
            _render_actions(user, None if position is None else str(table["account"].iloc[position]), given)
        render = render_choices if may_change else render_lines
        render(table, kinds, "Billing accounts", key)
        st.caption(UNLISTED)


def choose_account(user: User) -> str | None:
    """The filter by billing account, once accounts have names; None for any."""
    given = data.load_account_names(user)
    if not given:
        return None
    return st.selectbox(
        "Account",
        list(given),
        index=None,
        format_func=lambda account: given[account],
        placeholder="Any account",
        key="of_account",
        bind="query-params",
        width=240,
    )


def _render_actions(user: User, account: str | None, given: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if (
            st.button("Name", icon=":material/edit:", disabled=account is None, key="name-account")
            and account
        ):
            ask_for_name(account, given.get(account, ""))
        if not data.load_projects(user):
            return
        is_filed = st.button(
            "File under a project", icon=":material/folder:", disabled=account is None, key="file-account"
        )
        if is_filed and account:
            start_new_rule(Fields("billing_account", value=account))
            switch_page("settings", section="Projects")


@st.dialog("Name this account", icon=":material/edit:")
@explain_refusal
def ask_for_name(account: str, present: str) -> None:
    """Ask for the name, such as Work; an empty one takes the present name away."""
    user = identity.current_user()
    st.text(account)
    with st.form("name-account-form", border=False):
        name = st.text_input("Name", present, max_chars=MAX_NAME_LENGTH, placeholder="Work")
        is_sent = st.form_submit_button("Save name", type="primary", width="stretch")
    if not is_sent:
        return
    name_account(user, account, name.strip())
    announce(f"{account} is named {name.strip()}." if name.strip() else f"{account} has no name any more.")
    st.rerun()
