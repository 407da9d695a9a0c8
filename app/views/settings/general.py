"""Cards with the name, time zone and currency of a workspace, and who sees whose costs in it."""

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.auth.workspaces import PersonSplit
from app.data.workspace_changes import update_workspace
from app.figures.currencies import list_currencies
from app.formats.currency import describe_currency
from app.parts.new_workspace import MAX_NAME_LENGTH
from app.parts.timezones import list_timezones
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal, render_refusal
from app.views.settings.card import announce_in
from tally.storage.database import DatabaseError

SPLIT, SPLIT_PROBLEM = "person-split", "person-split-problem"
SPLITS: dict[PersonSplit, tuple[str, str]] = {
    "own": ("Only their own costs", "Totals of projects stay hidden."),
    "admins": ("Project totals and their own costs", "Other people are folded into one line."),
    "everyone": ("Everyone's costs", "By person, in every project they can see."),
}
DAYS = "Days and months are counted in this time zone, for everyone."
ALWAYS = "Owners and admins always see everything. Others see a private project only as its members."


def render_general(user: User) -> None:
    """Name, time zone and currency: a form for admins."""
    render_heading("General")
    currency = data.load_currency(user).code
    if user.workspace.may_administer:
        _render_form(user, currency)
    else:
        _render_facts(user, currency)


@explain_refusal
def _render_form(user: User, shown_currency: str) -> None:
    workspace = user.workspace
    zones, currencies = list_timezones(workspace.timezone), list_currencies(data.load_rates(user))
    with st.form("general", border=False):
        name = st.text_input("Name", workspace.name, max_chars=MAX_NAME_LENGTH)
        with st.grid(2, min_column_width=150, gap="small"):
            timezone = st.selectbox("Time zone", zones, index=zones.index(workspace.timezone))
            currency = st.selectbox(
                "Currency",
                currencies,
                index=currencies.index(shown_currency),
                format_func=describe_currency,
            )
        st.caption(DAYS)
        is_sent = st.form_submit_button("Save", type="primary")
    if not is_sent:
        return
    with st.spinner("Saving…"):
        update_workspace(user, name=name.strip(), timezone=timezone, currency=currency)
    announce_in("general", "Settings saved.")
    st.rerun()


def _render_facts(user: User, currency: str) -> None:
    facts = {
        "Name": user.workspace.name,
        "Time zone": user.workspace.timezone,
        "Currency": describe_currency(currency),
    }
    for label, fact in facts.items():
        with st.container(gap="xxsmall"):
            st.caption(label)
            st.text(fact)
    st.caption(f"{DAYS} Only owners and admins can change it.")


def render_visibility(user: User) -> None:
    """The rule about who sees whose costs; a choice is saved at once."""
    workspace = user.workspace
    render_heading("Who sees whom", "for members and viewers")
    if problem := st.session_state.pop(SPLIT_PROBLEM, None):
        render_refusal(problem)
    if workspace.may_administer:
        st.session_state[SPLIT] = workspace.person_split
        st.radio(
            "Members and viewers see",
            list(SPLITS),
            format_func=lambda split: SPLITS[split][0],
            captions=[caption for _, caption in SPLITS.values()],
            key=SPLIT,
            on_change=_save_split,
            label_visibility="collapsed",
        )
    else:
        title, caption = SPLITS[workspace.person_split]
        with st.container(gap="xxsmall"):
            st.text(title)
            st.caption(caption)
    st.caption(ALWAYS)


def _save_split() -> None:
    try:
        update_workspace(identity.current_user(), person_split=st.session_state[SPLIT])
    except DatabaseError as problem:
        st.session_state[SPLIT_PROBLEM] = str(problem)
        return
    announce_in("visibility", "Settings saved.")
