"""Collects coding agents' logs on the machine that runs the dashboard, in the background."""

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.data.reading import KEYS
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.notices import render_refusal
from app.ui.tables import render_table
from tally.agents.events import describe_unknown
from tally.agents.listing import ListedAgent, list_agents, shorten_folders
from tally.agents.machine import Machine, collecting_folder
from tally.agents.payment import load_payments
from tally.agents.source import SourceResult
from tally.agents.upload import collect_into
from tally.core.errors import TallyError
from tally.core.paths import IS_INSTALLED
from tally.core.settings import load_settings
from tally.core.text import plural

POLL_SECONDS = 0.5
SHOWN_REASONS = 3
# For another machine: as in the README. In a checkout, the programs are not on the PATH.
PROGRAM = "tally" if IS_INSTALLED else ".venv/bin/tally"
COMMANDS = f"{PROGRAM} login\n{PROGRAM} collect"
SAVED = (
    "Only counts, times and names of models, sessions, projects, repositories and branches are saved; "
    "prompts never are."
)
NO_LOGS = "This machine has no logs of coding agents."
UNEXPECTED = "Couldn't read the logs because of an unexpected error. Scan again; duplicates are skipped."


class ScanJob:
    """A thread that collects this machine's logs, with its progress and results."""

    def __init__(self, user: User) -> None:
        self.results: list[SourceResult] = []
        self.problem = ""
        self.title, self.done, self.total = "", 0, 0
        self._has_news = True
        self._api = database_of(user)
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True while logs are read."""
        return self._thread.is_alive()

    def take_news(self) -> bool:
        """True once after the scan has ended: what a page read before may be old."""
        has_news, self._has_news = self._has_news, self.is_running
        return has_news and not self.is_running

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the scan ends."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            folder = collecting_folder()
            here = Machine(folder=folder, payments=load_payments(folder))
            self.results = collect_into(self._api, here, on_progress=self._note_progress)
        except TallyError as problem:
            self.problem = str(problem)
        except Exception:
            logging.getLogger(__name__).exception("A scan failed")
            self.problem = UNEXPECTED

    def _note_progress(self, done: int, total: int, title: str) -> None:
        self.title, self.done, self.total = title, done, total


AGENT_COLUMNS = {
    "title": columns.text("Agent"),
    "found": columns.text("Found"),
    "files": columns.count("Files"),
    "folders": columns.name("Folder", most_width=420),
}


@st.cache_data(ttl=60, show_spinner=False, hash_funcs=KEYS)
def _list_agents(user: User) -> list[ListedAgent]:  # noqa: ARG001 - every cache of the app is keyed by its user
    return list_agents(Path.home(), os.environ)


def list_agents_here(user: User) -> list[ListedAgent]:
    """The agents of this machine; none for those who may not look."""
    return _list_agents(user) if may_look(user) else []


def may_look(user: User) -> bool:
    """True where role and operator (TALLY_SCAN_LOGS) allow it, for the owner of this machine."""
    return user.workspace.may_write and load_settings().tally_scan_logs and _owns_installation(user)


@st.cache_data(ttl=60, show_spinner=False, hash_funcs=KEYS)
def _owns_installation(user: User) -> bool:
    """True for the account whose machine this is; raises DatabaseError."""
    return bool(database_of(user).call("owns_installation"))


def show_news(user: User) -> None:
    """Run the page again, with what the scan found, once it has ended."""
    job: ScanJob | None = st.session_state.get("scan_job")
    if job is not None and job.take_news():
        data.forget_version(user)
        st.rerun()


def render_scan(user: User) -> None:
    """The agents of this machine with the scan button, a running scan, or the results of the last one."""
    show_news(user)
    job: ScanJob | None = st.session_state.get("scan_job")
    agents = list_agents_here(user)
    if job is None and not agents:
        return
    with st.container(border=True, key="scan"):
        if job is not None and job.is_running:
            render_progress()
            return
        if job is not None:
            render_results(job)
        if job is not None or any(agent.files for agent in agents):
            _render_button(user)
        else:
            st.caption(NO_LOGS)
        if agents:
            with st.expander("Coding agents on this machine"):
                render_table(describe_agents(agents), AGENT_COLUMNS, "Coding agents on this machine")


def _render_button(user: User) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Scan this machine", icon=":material/search:", key="scan-machine"):
            begin_scan(user)
        st.caption("Reads new entries in coding agents' logs. Safe to repeat; duplicates are skipped.")


def begin_scan(user: User) -> NoReturn:
    """Scan in the background, and show the progress instead of the button."""
    st.session_state.scan_job = ScanJob(user)
    st.rerun()


def describe_agents(agents: Sequence[ListedAgent]) -> pd.DataFrame:
    """The agents that Tally reads, those on this machine first."""
    lines = [
        {
            "title": agent.title,
            "folders": shorten_folders(agent.folders),
            "found": "Yes" if agent.is_found else "No",
            "files": agent.files,
        }
        for agent in sorted(agents, key=lambda agent: not agent.is_found)
    ]
    return pd.DataFrame(lines)


@st.fragment(run_every=POLL_SECONDS)
def render_progress() -> None:
    """Progress of the scan; reruns the page when it ends."""
    identity.current_user()
    job: ScanJob = st.session_state.scan_job
    if not job.is_running:
        st.rerun()
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    st.progress(share, escape_markdown(f"Reading {job.title}" if job.title else "Looking for logs…"))
    st.caption("You can leave this page. The scan continues in the background.")


def render_results(job: ScanJob) -> None:
    """The counts of each agent, or what went wrong."""
    if job.problem:
        render_refusal(job.problem)
    for result in job.results:
        st.text(
            f"{result.title}: {result.read:,} read, {result.added:,} added, "
            f"{plural(result.duplicates, 'duplicate')}, {result.rejected:,} rejected"
        )
        if result.unknown_lines:
            st.caption(describe_unknown(result.unknown_lines))
        for reason in result.reasons[:SHOWN_REASONS]:
            st.caption(escape_markdown(reason))
    if not job.problem and not job.results:
        st.caption(NO_LOGS)
