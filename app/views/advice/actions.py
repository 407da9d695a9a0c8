"""Decisions about advice: apply it, dismiss it, open it again; and the rows behind it."""

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.figures.advice_words import EVIDENCE, HOW, name_title
from app.parts.permissions import explain_fixed_advice
from app.parts.project_choice import ALL, WITHOUT
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal
from tally.advice.evidence import Rows, find_rows
from tally.advice.kept import KeptAdvice, Status
from tally.advice.verified import is_measured

NOT_CHANGED = "Tally changes nothing by itself."
CACHES = {"caching": "5 minutes", "cache_hour": "1 hour", "cache_minutes": "5 minutes"}
REPLAYED = "Price your own calls of the last 90 days that way, one by one."
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
            open_evidence(user, advice)
        if (replayed := find_replay(advice)) and st.button(
            "Replay", key=f"replay-{advice.id}", help=REPLAYED
        ):
            project = name_project(user, advice.project_id)
            switch_page("replay", None, **replayed, project=project)
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


def open_evidence(user: User, advice: KeptAdvice) -> None:
    """The page with the rows behind advice, filtered to them."""
    evidence = EVIDENCE[advice.kind]
    if rows := find_rows(advice):
        switch_page("records", None, **make_parameters(user, rows))
    if evidence.page == "experiments":
        switch_page(evidence.page, experiment=advice.subject["experiment_id"])
    switch_page(evidence.page)


def find_replay(advice: KeptAdvice) -> dict[str, str] | None:
    """The address of a replay of what advice says; None where nothing can be replayed."""
    subject = advice.subject
    if advice.kind in ("model_switch", "retirement") and "to_model" in subject:
        asked = {"change": "Model", "of": subject["model"], "to": subject["to_model"]}
        return asked | {"at": subject.get("to_provider", subject["provider"]), "run": "1"}
    if advice.kind == "batch":
        change = "Batch" if "processing" in subject else "Flex"
        return {"change": change, "of": subject["model"], "run": "1"}
    if advice.kind in CACHES:
        return {"change": "Cache", "of": subject["model"], "cache": CACHES[advice.kind], "run": "1"}
    return None


def make_parameters(user: User, rows: Rows) -> dict[str, str | list[str]]:
    """The address of Records with these rows alone."""
    providers = {provider.slug: provider.name for provider in data.load_providers(user)}
    found = {
        "calls": "paid",
        "first_day": rows.days[0].isoformat(),
        "last_day": rows.days[1].isoformat(),
        "provider": providers.get(rows.provider),
        "model": rows.model,
        "project": ALL if rows.is_any_project else name_project(user, rows.project_id),
        "agent": rows.agent,
        "tier": rows.tier,
        "over": None if rows.over is None else str(rows.over),
    }
    return {name: value for name, value in found.items() if value is not None}


def name_project(user: User, project_id: str | None) -> str:
    """The project in the address: all of them in a workspace without projects."""
    projects = data.load_projects(user)
    if not projects:
        return ALL
    slugs = {each.project_id: each.slug for each in projects}
    return WITHOUT if project_id is None else slugs.get(project_id, ALL)
