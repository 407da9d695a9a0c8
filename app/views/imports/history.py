"""Past imports, with buttons to undo them and download rejected rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.source_names import describe_format, shown_name
from app.parts.permissions import explain_fixed, render_own_only
from app.parts.source_dialogs import confirm_deletion
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.columns import Column
from app.ui.line_list import render_choices, selected_line
from app.views.imports.jobs import ImportJob, write_rejected
from tally.importers import Rejected
from tally.importers.save import MAX_STORED_REJECTIONS
from tally.spend import sample_data
from tally.storage.database import DatabaseError

DONE, INTERRUPTED, IMPORTING, EXCLUDED = "Done", "Interrupted", "Importing", "Excluded"
LONGEST_IMPORT = timedelta(hours=1)  # a million rows take minutes
COUNTS = {
    "read": "rows_read",
    "added": "rows_imported",
    "duplicates": "rows_duplicate",
    "rejected": "rows_rejected",
}


def list_columns(zone: ZoneInfo) -> dict[str, Column]:
    """The columns of the table of imports."""
    return {
        "when": columns.instant("When", zone),
        "file": columns.name("File"),
        "status": columns.text("Status"),
        **{name: columns.count(name.capitalize()) for name in COUNTS},
        "format": columns.text("Format"),
    }


def describe_status(row: dict[str, Any], job: ImportJob | None) -> str:
    """The status of an import; one that failed, or has run for too long, was interrupted."""
    if row["status"] == "done":
        return DONE if row["is_enabled"] else EXCLUDED
    is_importing = row["status"] == "running" and _may_be_running(row, job)
    return IMPORTING if is_importing else INTERRUPTED


def _may_be_running(row: dict[str, Any], job: ImportJob | None) -> bool:
    """True as long as this session's import runs, and for an hour if it was started elsewhere."""
    started_at = datetime.fromisoformat(row["created_at"])
    if job is not None and started_at >= job.started_at:
        return job.is_running
    return datetime.now(UTC) - started_at < LONGEST_IMPORT


def describe_imports(rows: Sequence[dict[str, Any]], job: ImportJob | None) -> pd.DataFrame:
    """Imports as a table; the counts of an unfinished one are unknown."""
    lines = [
        {
            "when": datetime.fromisoformat(row["created_at"]),
            "file": shown_name(row["filename"]),
            "status": describe_status(row, job),
            **{name: row[column] if row["status"] == "done" else None for name, column in COUNTS.items()},
            "format": describe_format(row),
        }
        for row in rows
    ]
    return pd.DataFrame(lines, dtype=object)


def render_history(user: User, zone: ZoneInfo, job: ImportJob | None) -> None:
    """The list, with buttons for the selected import."""
    rows = data.load_import_list(user)
    with st.container(border=True):
        render_heading("Past imports")
        render_own_only(user)
        if not rows:
            st.caption("Nothing imported yet.")
            return
        key = f"imports-{rows[0]['id']}-{len(rows)}"
        position = selected_line(key, len(rows))
        _render_actions(user, None if position is None else rows[position], job)
        frame = describe_imports(rows, job)
        render_choices(frame, list_columns(zone), "Past imports, newest first", key)
        _render_notes(set(frame["status"]), len(rows))


def _render_notes(statuses: set[str], rows: int) -> None:
    if EXCLUDED in statuses:
        st.caption("Excluded imports don't count toward totals. You can include them again under Sources.")
    if INTERRUPTED in statuses:
        st.caption(
            "An interrupted import may have saved some of its rows. "
            "Import the same file again to complete it, or undo it."
        )
    if rows == data.IMPORTS_SHOWN:
        st.caption(f"Only the newest {data.IMPORTS_SHOWN} are shown.")


def _render_actions(user: User, row: dict[str, Any] | None, job: ImportJob | None) -> None:
    # Undoing ends an import that runs elsewhere, or that a crash ended.
    is_importing = (
        row is not None and job is not None and job.is_running and describe_status(row, job) == IMPORTING
    )
    fixed = explain_fixed(user, row["user_id"] if row else None)
    is_disabled = row is None or is_importing or fixed is not None
    is_sample = row is not None and row["format"] == sample_data.FORMAT
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = "Remove sample data" if is_sample else "Undo import"
        if st.button(label, icon=":material/undo:", disabled=is_disabled, key="undo") and row:
            confirm_deletion(row)
        if row and row["rows_rejected"]:
            st.download_button(
                "Download rejected rows",
                lambda: load_rejected_file(user, row),
                file_name="rejected-rows.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        if fixed:
            st.caption(fixed)
        elif row is None:
            st.caption("Select an import to undo it or download its rejected rows.")
        elif row["rows_rejected"] > MAX_STORED_REJECTIONS:
            st.caption(f"The first {MAX_STORED_REJECTIONS:,} rejected rows are stored.")


def load_rejected_file(user: User, row: dict[str, Any]) -> bytes:
    """The stored rejected rows of an import as CSV, or the reason why they cannot be loaded."""
    try:
        stored = data.load_rejected(user, row["id"])
    except DatabaseError as problem:
        return str(problem).encode()
    return write_rejected(
        [(row["filename"], Rejected(entry["line"], entry["reason"], entry["row"])) for entry in stored]
    )
