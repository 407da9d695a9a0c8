"""Decisions about advice: apply it, dismiss it, open it again; and the rows behind it."""

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.figures.advice_words import EVIDENCE, HOW, name_title
from app.figures.explore_view import ExploreView
from app.parts.explore_address import open_explore
from app.parts.permissions import explain_fixed_advice
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal
from tally.advice.kept import KeptAdvice, Status
from tally.advice.verified import UNMEASURED

NOT_CHANGED = "Tally changes nothing by itself."
MEASURED = "From the day after the change, Tally measures what it saves."


def render_actions(user: User, advice: KeptAdvice) -> None:
    """The buttons of a card."""
    fixed = explain_fixed_advice(user)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if advice.status == "open" and st.button(
            "Apply", type="primary", key=f"apply-{advice.id}", disabled=fixed is not None, help=fixed
        ):
            confirm_applied(advice)
        if st.button(EVIDENCE[advice.kind].label, key=f"evidence-{advice.id}"):
            open_evidence(advice)
        if advice.status == "open":
            if st.button(
                "Dismiss", type="tertiary", key=f"dismiss-{advice.id}", disabled=fixed is not None, help=fixed
            ):
                _decide(user, advice, "dismissed")
        elif st.button(
            "Open again", type="tertiary", key=f"reopen-{advice.id}", disabled=fixed is not None, help=fixed
        ):
            _decide(user, advice, "open")


@st.dialog("Is it done?", icon=":material/check:")
@explain_refusal
def confirm_applied(advice: KeptAdvice) -> None:
    """Say what is to be done, and ask whether it is."""
    user = identity.current_user()
    st.text(name_title(advice))
    st.markdown(HOW[advice.kind])
    st.caption(NOT_CHANGED if advice.kind in UNMEASURED else f"{NOT_CHANGED} {MEASURED}")
    with st.container(horizontal=True, gap="small"):
        if st.button("Cancel", width="stretch", key="cancel_applied"):
            st.rerun()
        if not st.button("It is changed", type="primary", width="stretch", key="confirm_applied"):
            return
    data.decide_advice(user, advice.id, "applied")
    announce(f"{name_title(advice)}: applied.")
    st.rerun()


@explain_refusal
def _decide(user: User, advice: KeptAdvice, status: Status) -> None:
    data.decide_advice(user, advice.id, status)
    told = "dismissed for 90 days, unless its saving doubles" if status == "dismissed" else "open again"
    announce(f"{name_title(advice)}: {told}.")
    st.rerun()


def open_evidence(advice: KeptAdvice) -> None:
    """The page with the rows behind advice, filtered to them."""
    evidence = EVIDENCE[advice.kind]
    if evidence.page != "explore":
        switch_page(evidence.page)
    open_explore(view_evidence(advice))


def view_evidence(advice: KeptAdvice) -> ExploreView:
    """The question that Explore answers with the rows behind advice."""
    view = ExploreView(by=EVIDENCE[advice.kind].by, days=advice.window)
    subject = advice.subject
    models = tuple(
        subject[name]
        for name in ("model", "to_model")
        if name in subject and (name == "model" or advice.kind == "model_switch")
    )
    for dimension, values in (
        ("project", (advice.project_id,) if advice.project_id else ()),
        ("agent", (subject["agent"],) if "agent" in subject else ()),
        ("model", models),
    ):
        if values:
            view = view.with_filter(dimension, values)
    return view
