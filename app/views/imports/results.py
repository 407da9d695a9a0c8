"""An import while it runs and after: its progress, and where every row went."""

from typing import Any

import pandas as pd
import streamlit as st

from app.auth import identity
from app.ui.cards import render_heading
from app.ui.notices import render_refusal
from app.ui.pages import page_path
from app.views.imports.jobs import ImportJob, write_rejected
from tally.core.text import plural

SECONDS_BETWEEN_LOOKS = 0.5
COLUMN = st.column_config
NUMBERS = ("Read", "Added", "Already there", "Rejected")


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def render_progress(job: ImportJob) -> None:
    """How far the import is; the page comes back when it ends."""
    identity.current_user()
    if not job.is_running:
        st.rerun()
    with st.container(border=True):
        render_heading("Importing")
        st.text(job.filename)
        share = job.rows_done / job.rows_total if job.rows_total else 1.0
        st.progress(share, f"{job.rows_done:,} of {plural(job.rows_total, 'row')}")
        st.caption("You may leave this page. The import goes on.")


def render_result(job: ImportJob) -> None:
    """Where every row went: read is added, already there and rejected together."""
    with st.container(border=True):
        render_heading("Imported" if not job.problem else "Not everything is imported")
        if job.problem:
            render_refusal(job.problem)
            st.text("Not finished: " + ", ".join(file.filename for file in job.remaining))
        if job.results:
            _render_numbers(job)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _render_ways_on(job)


def _render_numbers(job: ImportJob) -> None:
    table = _result_frame(job)
    sums = table[list(NUMBERS)].sum()
    with st.grid(4, min_column_width=150, gap="small"):
        for name in NUMBERS:
            st.metric(name, f"{sums[name]:,}")
    if len(table) > 1:
        alt = "What became of each file"
        st.dataframe(table, hide_index=True, height="content", alt=alt, column_config=COLUMNS)
    if restated := sum(result.restated for _, result in job.results):
        has = "has" if restated == 1 else "have"
        st.caption(
            f"{plural(restated, 'row')} already there {has} newer figures in this file: these count now."
        )


def _render_ways_on(job: ImportJob) -> None:
    if job.problem and job.remaining:
        st.button(
            "Try again", type="primary", icon=":material/refresh:", key="retry", on_click=_retry, args=(job,)
        )
    elif st.button("See overview", type="primary", icon=":material/space_dashboard:", key="see_overview"):
        st.switch_page(page_path("overview"))
    st.button("Import more files", icon=":material/upload_file:", key="import_more", on_click=_begin_anew)
    rejected = [(filename, row) for filename, result in job.results for row in result.rejected]
    if rejected:
        st.download_button(
            "Rejected rows",
            lambda: write_rejected(rejected),
            file_name="rejected-rows.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="rejected_rows",
        )


def _retry(job: ImportJob) -> None:
    st.session_state.import_again = job.remaining
    st.session_state.pop("import_job", None)


def _begin_anew() -> None:
    for name in ("import_job", "uploads"):
        st.session_state.pop(name, None)
    st.session_state.import_visit = st.session_state.get("import_visit", 0) + 1


def _result_frame(job: ImportJob) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "File": filename,
            "Read": result.read,
            "Added": result.added,
            "Already there": result.already_there,
            "Rejected": len(result.rejected),
        }
        for filename, result in job.results
    ]
    return pd.DataFrame(rows)


COLUMNS = {"File": COLUMN.TextColumn("File")} | {
    name: COLUMN.NumberColumn(name, format="localized") for name in NUMBERS
}
