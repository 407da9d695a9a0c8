"""A person's records as files to keep: gathered when asked for, not on every run of the page."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
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
class GatheredRecords:
    """All records as they were at a moment."""

    user_id: str
    records: pd.DataFrame
    gathered_at: datetime


def render_export(user: User, zone: ZoneInfo) -> None:
    """Gather the records with progress, then offer them in both formats."""
    render_heading("Your data")
    st.caption("Every record with all its columns, as CSV for a spreadsheet or Parquet for analysis.")
    gathered: GatheredRecords | None = st.session_state.get("gathered")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Prepare export" if gathered is None else "Prepare again", icon=":material/inventory_2:"
        ):
            gathered = _gather(user, zone) or gathered
        if gathered is not None and gathered.user_id == user.user_id:
            _render_downloads(gathered, zone)


def _gather(user: User, zone: ZoneInfo) -> GatheredRecords | None:
    try:
        total = data.load_records_count(user, data.RecordFilter(), zone.key)
        bar = st.progress(0.0, "Gathering records")

        def show(done: int, _total: int, _label: str) -> None:
            bar.progress(min(done / total, 1.0) if total else 1.0, f"{done:,} of {plural(total, 'record')}")

        records = load_records(database_of(user), show)
    except DatabaseError as problem:
        render_refusal(problem)
        return None
    bar.empty()
    st.session_state.gathered = GatheredRecords(user.user_id, records, datetime.now(zone))
    return st.session_state.gathered  # type: ignore[no-any-return]


def _render_downloads(gathered: GatheredRecords, zone: ZoneInfo) -> None:
    for file_format, (label, mime) in FILES.items():
        st.download_button(
            label,
            partial(write_records, gathered.records, file_format),
            file_name=f"tally-{gathered.gathered_at:%Y-%m-%d}.{file_format}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
        )
    count = plural(len(gathered.records), "record")
    st.caption(f"{count}, as of {format_instant(gathered.gathered_at, zone)}")
