"""Start page of a workspace without records: three ways in, and the defaults of a new account."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.parts.permissions import explain_fixed, render_reason
from app.parts.scan import (
    COMMANDS,
    SAVED,
    ScanJob,
    begin_scan,
    list_agents_here,
    render_progress,
    render_results,
    show_news,
)
from app.ui.navigation import switch_page
from app.views.overview.defaults import render_defaults
from tally.agents.listing import ListedAgent
from tally.core.text import plural

AGENTS_SHOWN = 4
PROVIDERS = (
    ("OA", "OpenAI", "Admin key"),
    ("An", "Anthropic", "Admin key"),
    ("OR", "OpenRouter", "Management key"),
)


def render_welcome(user: User, today: date) -> None:
    """Offer to scan this machine, connect a provider or import a file, and sample data for a look."""
    if reason := explain_fixed(user):
        render_reason(f"Nothing to see yet. {reason}")
        return
    show_news(user)
    with st.container(key="welcome", gap="small"):
        with st.container(gap="xsmall"):
            st.header("See what you spend on AI", anchor=False)
            st.text(
                "Start with one of these. The first figures appear within a minute; add the others later."
            )
        with st.grid(3, min_column_width=270, gap="small"):
            for render_tile in (_render_agents, _render_providers, _render_files):
                with st.container(
                    border=True, height="stretch", vertical_alignment="distribute", gap="small"
                ):
                    render_tile(user)
        if user.workspace.is_personal:
            render_defaults(user, today)
        with st.container(
            horizontal=True, horizontal_alignment="center", vertical_alignment="center", gap="small"
        ):
            st.text("Just looking around?", width="content")
            if st.button(
                "Open Tally with sample data", type="tertiary", icon=":material/science:", key="load-sample"
            ):
                _load_sample(user, today)


def _render_agents(user: User) -> None:
    job: ScanJob | None = st.session_state.get("scan_job")
    found = [agent for agent in list_agents_here(user) if agent.files]
    if job is not None and job.is_running:
        _explain(
            "terminal",
            "Coding agents on this machine",
            SAVED,
        )
        render_progress()
    elif found or job is not None:
        _render_found(user, found, job)
    else:
        _explain(
            "terminal",
            "Coding agents",
            f"Claude Code, Codex, Gemini CLI and others. Run this on each machine where they work. {SAVED}",
        )
        st.code(COMMANDS, language="bash")
        if st.button("Or send telemetry with a key", width="stretch", key="open-keys"):
            switch_page("keys")


def _render_found(user: User, found: Sequence[ListedAgent], job: ScanJob | None) -> None:
    files = sum(agent.files for agent in found)
    _explain(
        "terminal",
        "Coding agents on this machine",
        f"Found just now. {SAVED}",
    )
    if job is not None:
        render_results(job)
    largest = sorted(found, key=lambda agent: -agent.files)
    _render_lines([(agent.title, plural(agent.files, "file")) for agent in largest[:AGENTS_SHOWN]])
    if len(found) > AGENTS_SHOWN:
        st.caption(f"And {len(found) - AGENTS_SHOWN} more.")
    label = f"Scan {plural(files, 'file')}" if job is None else "Scan again"
    if st.button(label, type="primary", width="stretch", key="scan-machine"):
        begin_scan(user)


def _render_providers(user: User) -> None:
    _explain(
        "power",
        "Connect a provider",
        "A key with read access brings the bills in, every night. It is checked first and stored encrypted.",
    )
    _render_lines([(f":primary-badge[{mark}] {name}", kind) for mark, name, kind in PROVIDERS])
    if not user.workspace.may_administer:
        st.caption("Only owners and admins connect providers.")
    elif st.button("Choose a provider", width="stretch", key="open-connections"):
        switch_page("connections")


def _render_files(_user: User) -> None:
    _explain(
        "upload_file",
        "Import a file",
        "Exports of OpenAI, Anthropic, Cursor, OpenRouter, LiteLLM, Langfuse, Azure, Google Cloud, AWS and "
        "others, or any CSV or JSON with a date and a cost. You see what is inside before it is saved.",
    )
    if st.button("Choose a file", width="stretch", key="open-imports"):
        switch_page("imports")
    if st.button("Enter a subscription or a charge", type="tertiary", width="stretch", key="open-add-entry"):
        switch_page("add_entry")


def _explain(icon: str, title: str, text: str) -> None:
    with st.container(gap="xsmall"):
        st.markdown(f":primary-badge[:material/{icon}:]", width="content")
        st.subheader(title, anchor=False)
        st.caption(text)


def _render_lines(lines: Sequence[tuple[str, str]]) -> None:
    with st.container(gap="xsmall"):
        for left, right in lines:
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
            ):
                st.markdown(left, width="content")
                st.caption(right, width="content")


def _load_sample(user: User, today: date) -> None:
    from tally.samples import sample  # imports every importer

    with st.spinner("Loading sample data…"):
        sample.load(database_of(user), today)
    data.forget_version(user)
    st.rerun()
