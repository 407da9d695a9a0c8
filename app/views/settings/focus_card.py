"""Settings card: costs in the format of FinOps tools, as a file now, and as files kept each night."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app.auth.identity import User, database_of
from app.auth.workspaces import Role
from app.formats.dates import format_instant
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal, render_refusal, render_warning
from app.views.settings.card import announce_in
from tally.core.environment import load_environment
from tally.core.months import add_months, month_before
from tally.core.text import plural
from tally.focus.export import choose_period, load_rows
from tally.focus.files import FileFormat, Written, write_rows
from tally.focus.places import NO_PLACE, PLACE
from tally.focus.versions import VERSIONS
from tally.storage.database import DatabaseError

ABOUT = (
    "Costs by day, project, model and class of tokens, as FOCUS 1.2: the format that FinOps tools read. "
    "Its days are UTC days, so that a day can differ from the one on pages."
)
FORMATS: dict[str, tuple[FileFormat, str]] = {
    "CSV": ("csv", "text/csv"),
    "Parquet": ("parquet", "application/vnd.apache.parquet"),
}
Days = tuple[date | None, date | None]
PERIODS: dict[str, Callable[[date], Days]] = {
    "This month": lambda today: (today.replace(day=1), today),
    "Last month": month_before,
    "Last 12 months": lambda today: (add_months(today, -12) + timedelta(days=1), today),
    "Everything": lambda _: (None, None),
}


@dataclass(frozen=True, slots=True)
class FocusFile:
    """A file as it was asked for."""

    scope: tuple[str, str, Role]
    period: str
    kind: str
    content: bytes
    written: Written
    made_at: datetime


def render_focus(user: User, zone: ZoneInfo) -> None:
    """A file of a period, and whether files are kept each night."""
    render_heading("FOCUS export")
    st.caption(ABOUT)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        period = st.selectbox("Period", [*PERIODS], key="focus_period", width=200)
        kind = st.selectbox("Format", [*FORMATS], key="focus_format", width=140)
        if st.button("Prepare FOCUS file", icon=":material/inventory_2:"):
            _prepare(user, period, kind)
        made: FocusFile | None = st.session_state.get("focus_file")
        if made is not None and (made.scope, made.period, made.kind) == (user.scope, period, kind):
            _render_download(made)
    _render_nightly(user, zone)


def _prepare(user: User, period: str, kind: str) -> None:
    """Write the file in memory: it has a row for each day, model and class, not for each record."""
    file_format, _ = FORMATS[kind]
    [version] = VERSIONS.values()
    now = datetime.now(UTC)
    buffer = io.BytesIO()
    try:
        with st.spinner("Adding up costs"):
            rows = load_rows(database_of(user), *choose_period(*PERIODS[period](now.date())))
            written = write_rows(rows, buffer, file_format, version)
    except DatabaseError as problem:
        render_refusal(problem)
        return
    st.session_state.focus_file = FocusFile(user.scope, period, kind, buffer.getvalue(), written, now)


def _render_download(made: FocusFile) -> None:
    file_format, mime = FORMATS[made.kind]
    name = made.period.lower().replace(" ", "-")
    st.download_button(
        f"Download {plural(made.written.rows, 'row')}",
        made.content,
        file_name=f"tally-focus-{name}-{made.made_at:%Y-%m-%d}.{file_format}",
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
    )


def _render_nightly(user: User, zone: ZoneInfo) -> None:
    try:
        export: dict[str, Any] | None = database_of(user).call("focus_state")["export"]
    except DatabaseError as problem:
        render_refusal(problem)
        return
    has_place = PLACE in load_environment()
    st.caption(_describe(export, user, zone, has_place))
    if export and export["problem"]:
        render_warning(export["problem"])
    if not user.workspace.may_administer:
        return
    if export:
        if st.button("Stop keeping files"):
            _set(user, False)
    elif has_place and st.button("Keep a file for each month"):
        _set(user, True)


def _describe(export: dict[str, Any] | None, user: User, zone: ZoneInfo, has_place: bool) -> str:
    if export is None:
        off = "Files for each month can be kept in a folder or bucket, up to date each night."
        return off if has_place else f"{off} {NO_PLACE}"
    folder = f"focus-1.2/{user.workspace.workspace_id}"
    if export["ran_at"] is None:
        return f"A file for each month is kept in {folder}, from the next nightly run on."
    ran_at = format_instant(datetime.fromisoformat(export["ran_at"]), zone)
    return (
        f"A file for each month is kept in {folder}: {plural(export['months'], 'month')}. Last run: {ran_at}."
    )


@explain_refusal
def _set(user: User, is_enabled: bool) -> None:
    database_of(user).call("set_focus_export", is_enabled=is_enabled)
    announce_in(
        "focus", "Files are kept from the next nightly run on." if is_enabled else "No more files are kept."
    )
    st.rerun()
