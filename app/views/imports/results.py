"""Progress and result of an import."""

from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.navigation import switch_page
from app.ui.notices import render_refusal
from app.ui.tables import render_table
from app.views.imports.jobs import ImportJob, write_rejected
from tally.core.text import plural
from tally.importers.own_exports import describe_unknown_projects
from tally.importers.save import describe_excluded

POLL_SECONDS = 0.5
NUMBERS = {"read": "Read", "added": "Added", "duplicates": "Duplicates", "rejected": "Rejected"}
COLUMNS = {"file": columns.name("File")} | {key: columns.count(label) for key, label in NUMBERS.items()}


@st.fragment(run_every=POLL_SECONDS)
def render_progress(job: ImportJob) -> None:
    """Progress of the import; reruns the page when it ends."""
    identity.current_user()
    if not job.is_running:
        st.rerun()
    with st.container(border=True):
        render_heading("Importing")
        st.text(job.filename)
        share = job.rows_done / job.rows_total if job.rows_total else 1.0
        st.progress(share, f"{job.rows_done:,} of {plural(job.rows_total, 'row')}")
        st.caption("You can leave this page. The import continues in the background.")


def render_result(job: ImportJob) -> None:
    """Counts of rows: read = added + duplicates + rejected."""
    with st.container(border=True):
        render_heading("Import incomplete" if job.problem else "Import complete")
        if job.problem:
            render_refusal(job.problem)
            st.text("Not imported: " + ", ".join(file.filename for file in job.remaining))
        if job.results:
            _render_numbers(job)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _render_next_steps(job)


def render_unpriced(user: User) -> None:
    """After an import: how many names no price list has, and where to say which models they are."""
    count = len(data.load_unpriced_models(user))
    if not count:
        return
    with st.container(border=True):
        render_heading("Needs a price", f"{count:,} models" if count > 1 else "")
        st.caption(
            "Some records have no price yet, so totals leave them out. Say which model it is, or set a price."
        )
        if st.button("Go to Prices", icon=":material/sell:", key="see_prices"):
            switch_page("prices")


def _render_numbers(job: ImportJob) -> None:
    frame = _describe_results(job)
    with st.grid(4, min_column_width=150, gap="small"):
        for key, label in NUMBERS.items():
            st.metric(label, f"{frame[key].sum():,}")
    if len(frame) > 1:
        render_table(frame, COLUMNS, "Result of each file")
    added, records = frame["added"].sum(), sum(result.new_records for _, result in job.results)
    if records != added:
        rows = plural(int(added), "row")
        st.caption(f"{rows} became {plural(records, 'record')}, as rows of one event are summed up.")
    if restated := sum(result.restated for _, result in job.results):
        verb = "was" if restated == 1 else "were"
        st.caption(f"{plural(restated, 'duplicate')} {verb} updated with newer figures from this file.")
    for filename, result in job.results:
        if result.is_excluded:
            st.text(describe_excluded(filename))
    unknown = {name: None for _, result in job.results for name in result.unknown_projects}
    if sentence := describe_unknown_projects(list(unknown)):
        st.text(sentence)


def _render_next_steps(job: ImportJob) -> None:
    if job.problem and job.remaining:
        st.button(
            "Try again", type="primary", icon=":material/refresh:", key="retry", on_click=_retry, args=(job,)
        )
    elif st.button("Go to Overview", type="primary", icon=":material/space_dashboard:", key="see_overview"):
        switch_page("overview")
    st.button("Import more files", icon=":material/upload_file:", key="import_more", on_click=_reset)
    rejected = [(filename, row) for filename, result in job.results for row in result.rejected]
    if rejected:
        st.download_button(
            "Download rejected rows",
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


def _reset() -> None:
    for name in ("import_job", "uploads"):
        st.session_state.pop(name, None)
    st.session_state.import_visit = st.session_state.get("import_visit", 0) + 1


def _describe_results(job: ImportJob) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "file": filename,
            "read": result.read,
            "added": result.added,
            "duplicates": result.already_there,
            "rejected": len(result.rejected),
        }
        for filename, result in job.results
    ]
    return pd.DataFrame(rows)
