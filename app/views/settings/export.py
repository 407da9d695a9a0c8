"""Settings card: export of the records, prepared on request."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.auth.workspaces import Role
from app.formats.dates import format_instant
from app.ui.cards import render_heading
from app.ui.notices import render_refusal
from tally.core.text import plural
from tally.storage.database import DatabaseError
from tally.storage.export import Format, load_records, write_records

FILES: dict[Format, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """The records, as loaded at one time."""

    scope: tuple[str, str, Role]
    records: pd.DataFrame
    loaded_at: datetime


def render_export(user: User, zone: ZoneInfo) -> None:
    """Load the records that the user may see with a progress bar, then offer them in both formats."""
    render_heading("Your data" if user.workspace.is_personal else "Export records")
    st.caption(f"{_name_records(user)} as CSV for spreadsheets or Parquet for analysis.")
    export: Export | None = st.session_state.get("export")
    if export is not None and export.scope != user.scope:
        export = None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Prepare export" if export is None else "Refresh export", icon=":material/inventory_2:"):
            export = _load(user, zone) or export
        if export is not None:
            _render_downloads(export, zone)


def _name_records(user: User) -> str:
    if user.workspace.shows_others:
        return "All records except those of excluded sources,"
    return "The records that you added, except those of excluded sources,"


def _load(user: User, zone: ZoneInfo) -> Export | None:
    try:
        total = data.count_records(user)
        bar = st.progress(0.0, "Loading records")

        def show(done: int, _total: int, _label: str) -> None:
            bar.progress(min(done / total, 1.0) if total else 1.0, f"{done:,} of {plural(total, 'record')}")

        records = load_records(database_of(user), show)
    except DatabaseError as problem:
        render_refusal(problem)
        return None
    bar.empty()
    export = st.session_state.export = Export(user.scope, records, datetime.now(zone))
    return export


def _render_downloads(export: Export, zone: ZoneInfo) -> None:
    for file_format, (label, mime) in FILES.items():
        st.download_button(
            label,
            partial(write_records, export.records, file_format),
            file_name=f"tally-{export.loaded_at:%Y-%m-%d}.{file_format}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
        )
    count = plural(len(export.records), "record")
    st.caption(f"{count}, as of {format_instant(export.loaded_at, zone)}")
