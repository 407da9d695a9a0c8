"""Past imports: what each brought, its rejected rows, and the way back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.dates import format_instant
from app.formats.text import DASH
from app.parts.source_dialogs import confirm_deletion
from app.parts.source_names import describe_what, shown_name
from app.ui.cards import name_width, render_heading
from app.views.imports.jobs import ImportJob, write_rejected
from tally.importers import Rejected
from tally.importers.save import MAX_STORED_REJECTIONS
from tally.spend import sample_data
from tally.storage.database import DatabaseError

NOT_FINISHED, IMPORTING, SWITCHED_OFF = "Interrupted", "Importing", "Switched off"
COUNTS = {
    "Read": "rows_read",
    "Added": "rows_imported",
    "Already there": "rows_duplicate",
    "Rejected": "rows_rejected",
}
COLUMN = st.column_config
COLUMNS = {
    "When": COLUMN.TextColumn("When"),
    "File": COLUMN.TextColumn("File"),
    "Status": COLUMN.TextColumn("Status"),
    **{name: COLUMN.NumberColumn(name, format="localized") for name in COUNTS},
    "Format": COLUMN.TextColumn("Format"),
}


def describe_status(row: dict[str, Any], job: ImportJob | None) -> str:
    """What became of an import. One that is neither finished nor being saved here was cut off."""
    if row["status"] == "done":
        return "Done" if row["counts"] else SWITCHED_OFF
    is_ours = job is not None and job.is_running
    if is_ours and job and datetime.fromisoformat(row["created_at"]) >= job.started_at:
        return IMPORTING
    return NOT_FINISHED


def describe_imports(rows: Sequence[dict[str, Any]], zone: ZoneInfo, job: ImportJob | None) -> pd.DataFrame:
    """One line an import; an import that did not finish has no counts that could be trusted."""
    lines = []
    for row in rows:
        status = describe_status(row, job)
        is_done = row["status"] == "done"
        counts = {name: row[column] if is_done else None for name, column in COUNTS.items()}
        line = {
            "When": format_instant(datetime.fromisoformat(row["created_at"]), zone),
            "File": shown_name(row["filename"]),
            "Status": status,
        }
        lines.append(line | counts | {"Format": describe_what(row)})
    return pd.DataFrame(lines).astype(dict.fromkeys(COUNTS, "Int64"))


def render_history(user: User, zone: ZoneInfo, job: ImportJob | None) -> None:
    """The list, and what can be done with the selected import."""
    rows = data.load_import_list(user)
    with st.container(border=True):
        render_heading("Past imports")
        if not rows:
            st.caption("Nothing imported yet.")
            return
        table_key = f"imports-{rows[0]['id']}-{len(rows)}"
        selected = st.session_state.get(table_key, {}).get("selection", {}).get("rows", [])
        _render_actions(user, rows[selected[0]] if selected and selected[0] < len(rows) else None, job)
        frame = describe_imports(rows, zone, job)
        st.dataframe(
            frame,
            hide_index=True,
            height="content" if len(frame) <= 12 else 460,
            key=table_key,
            on_select="rerun",
            selection_mode="single-row",
            column_config=COLUMNS | {"File": COLUMN.TextColumn("File", width=name_width(frame["File"]))},
            placeholder=DASH,
            alt="Past imports, newest first",
        )
        if SWITCHED_OFF in set(frame["Status"]):
            st.caption("What is switched off does not count. Sources has the switch.")
        if NOT_FINISHED in set(frame["Status"]):
            st.caption(
                "An interrupted import may have saved some of its rows. "
                "Import the same file again to finish it, or undo it."
            )
        if len(rows) == data.IMPORTS_SHOWN:
            st.caption(f"The newest {data.IMPORTS_SHOWN} are shown.")


def _render_actions(user: User, row: dict[str, Any] | None, job: ImportJob | None) -> None:
    is_fixed = row is None or describe_status(row, job) == IMPORTING
    is_sample = row is not None and row["format"] == sample_data.FORMAT
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = "Remove sample data" if is_sample else "Undo import"
        if st.button(label, icon=":material/undo:", disabled=is_fixed, key="undo") and row:
            confirm_deletion(row)
        if row and row["rows_rejected"]:
            st.download_button(
                "Rejected rows",
                lambda: load_rejected_file(user, row),
                file_name="rejected-rows.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        if row is None:
            st.caption("Select an import to undo it or to download the rows that it rejected.")
        elif row["rows_rejected"] > MAX_STORED_REJECTIONS:
            st.caption(f"The first {MAX_STORED_REJECTIONS:,} rejected rows are kept.")


def load_rejected_file(user: User, row: dict[str, Any]) -> bytes:
    """The rejected rows that a past import kept, as CSV; a sentence where they cannot be read."""
    try:
        kept = data.load_rejected(user, row["id"])
    except DatabaseError as problem:
        return str(problem).encode()
    return write_rejected(
        [(row["filename"], Rejected(entry["line"], entry["reason"], entry["row"])) for entry in kept]
    )
