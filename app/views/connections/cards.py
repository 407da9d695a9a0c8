"""One card per connection: status, facts, sync progress and buttons."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.dates import format_instant
from app.formats.money import format_usd
from app.formats.text import DASH, escape_markdown
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_warning
from app.views.connections.dialogs import confirm_deletion
from app.views.connections.jobs import SyncJob, begin_sync, find_sync, take_finished
from tally.connectors.connections import Connection, set_active
from tally.core.text import plural

POLL_SECONDS = 0.5
Colour = Literal["green", "blue", "orange", "red", "gray"]


def describe_status(connection: Connection, is_syncing: bool) -> tuple[str, Colour]:
    """The label and colour of a connection's badge."""
    if is_syncing:
        return "Syncing", "blue"
    if not connection.is_active:
        return "Paused", "gray"
    if connection.validation_status == "invalid":
        return "Key rejected", "red"
    if connection.last_error:
        return "Last sync failed", "orange"
    return ("Connected", "green") if connection.last_sync_at else ("Not synced yet", "gray")


def describe_next_sync(connection: Connection, now: datetime, zone: ZoneInfo) -> str:
    """Time of the next sync by the nightly run."""
    if not connection.is_active:
        return "paused"
    if connection.next_sync_at is None or connection.next_sync_at <= now:
        return "with the next nightly run"
    return format_instant(connection.next_sync_at, zone)


def render_connection(user: User, connection: Connection, now: datetime, zone: ZoneInfo) -> None:
    """The card of one connection."""
    job = find_sync(user, connection)
    with st.container(border=True, key=f"connection-{connection.connection_id}"):
        label, colour = describe_status(connection, job is not None)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header(escape_markdown(connection.name), anchor=False, width="content")
            st.badge(label, color=colour)
        _render_facts(connection, now, zone)
        if job is not None:
            render_progress(job)
        elif connection.last_error:
            render_warning(connection.last_error)
        _render_actions(user, connection, is_syncing=job is not None)


def _render_facts(connection: Connection, now: datetime, zone: ZoneInfo) -> None:
    last = connection.last_sync_at
    facts = {
        "Provider": connection.api.title,
        "Account": connection.account,
        "Reads": "jobs and files" if connection.reads_jobs else "",
        "Last sync": format_instant(last, zone) if last else DASH,
        "Next sync": describe_next_sync(connection, now, zone),
        "Credits left": "" if connection.balance_usd is None else format_usd(connection.balance_usd),
    }
    with st.grid(4, min_column_width=150, gap="small"):
        for name, fact in facts.items():
            if fact:
                with st.container(gap="xxsmall"):
                    st.caption(name)
                    st.text(fact)


def _render_actions(user: User, connection: Connection, is_syncing: bool) -> None:
    key = str(connection.connection_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_fixed = is_syncing or not connection.is_active
        if st.button("Sync now", icon=":material/sync:", disabled=is_fixed, key=f"sync-{key}"):
            begin_sync(user, connection)
            st.rerun()
        if connection.is_active:
            if st.button("Pause", icon=":material/pause:", key=f"pause-{key}"):
                _switch(user, connection, is_active=False)
        elif st.button("Resume", icon=":material/play_arrow:", key=f"resume-{key}"):
            _switch(user, connection, is_active=True)
        if st.button("Delete", icon=":material/delete:", key=f"delete-{key}"):
            confirm_deletion(connection)


@explain_refusal
def _switch(user: User, connection: Connection, is_active: bool) -> None:
    set_active(database_of(user), connection, is_active)
    announce(f"{connection.name} {'resumed. It syncs every night.' if is_active else 'paused.'}")
    st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def render_progress(job: SyncJob) -> None:
    """Progress of a sync; reruns the page when it ends."""
    identity.current_user()
    if not job.is_running:
        st.rerun()
    label = job.label or "contacting the provider…"
    st.progress(job.share, escape_markdown(label[:1].upper() + label[1:]))
    st.caption("You can leave this page. The sync continues in the background.")


def announce_finished_syncs(user: User, connections: list[Connection]) -> None:
    """Announce the results of syncs that finished since the last run of the page."""
    for connection in connections:
        job = take_finished(user, connection)
        if job is None or job.result is None:
            continue
        data.forget_version(user)
        if job.result.was_signed_out and job.result.windows:
            begin_sync(user, connection)  # its access token expired; this session has a newer one
        elif job.result.error is None and not job.result.was_stopped:
            changed = f", {job.result.restated:,} updated" if job.result.restated else ""
            if connection.reads_jobs:
                announce(f"{connection.name}: {job.result.jobs:,} jobs and files.")
            else:
                announce(f"{connection.name}: {plural(job.result.added, 'new record')}{changed}.")


def render_none() -> None:
    """Introduction for an account without connections."""
    with st.container(border=True, horizontal_alignment="center", gap="medium", key="no-connections"):
        st.space("small")
        st.header("Import spend automatically", anchor=False, text_alignment="center")
        st.caption(
            "With an admin key from OpenAI or Anthropic, or a management key from OpenRouter, Tally fetches "
            "the last 12 months of costs and usage (OpenRouter: 30 days), then new data every night.",
            text_alignment="center",
        )
        st.space("small")


def render_count(connections: list[Connection]) -> None:
    """Heading with the number of failed connections; nothing while all work."""
    failing = sum(1 for c in connections if c.is_active and c.last_error)
    if failing:
        render_heading(plural(len(connections), "connection"), f"{failing:,} failed to sync")
