"""Decisions about advice: apply it, dismiss it, open it again; and the rows behind it."""

from collections.abc import Iterator

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.figures.advice_words import EVIDENCE, HOW, name_title
from app.figures.explore_view import ExploreView, Values
from app.parts.explore_address import open_explore
from app.parts.permissions import explain_fixed_advice
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal
from tally.advice.kept import KeptAdvice, Status
from tally.advice.verified import OF_ALL_AGENTS, is_measured

NOT_CHANGED = "Tally changes nothing by itself."
OF_ALL_PROJECTS = ("plan", "retirement")
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
    st.caption(NOT_CHANGED if not is_measured(advice.kind, advice.subject) else f"{NOT_CHANGED} {MEASURED}")
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
    if evidence.page == "experiments":
        switch_page(evidence.page, experiment=advice.subject["experiment_id"])
    if evidence.page != "explore":
        switch_page(evidence.page)
    open_explore(view_evidence(advice))


def view_evidence(advice: KeptAdvice) -> ExploreView:
    """The question that Explore answers with the rows behind advice."""
    view = ExploreView(by=EVIDENCE[advice.kind].by, days=advice.window)
    for dimension, values in _list_filters(advice):
        view = view.with_filter(dimension, values)
    return view


def _list_filters(advice: KeptAdvice) -> Iterator[tuple[str, Values]]:
    """The project, agent and models of its calls; None stands for calls without a project or an agent."""
    subject = advice.subject
    if advice.kind not in OF_ALL_PROJECTS:
        yield "project", (advice.project_id,)
    if advice.kind not in (*OF_ALL_AGENTS, "retirement"):
        yield "agent", (subject.get("agent"),)
    names = ("model", "to_model") if advice.kind in OF_ALL_AGENTS else ("model",)
    if models := tuple(subject[name] for name in names if name in subject):
        yield "model", models
