"""Settings card: when records leave for the archive, and what is there."""

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.data import Archive
from app.formats.dates import format_span
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal, render_warning
from app.ui.tables import render_table
from app.views.settings.card import announce_in
from tally.core.text import plural

LEAST_DAYS, MOST_DAYS, USUAL_DAYS = 7, 3650, 400
ABOUT = (
    "Older records leave the database each night for the storage that whoever runs Tally has set. Totals by "
    "day, provider, model, project and person stay as they are. Lists and other groupings no longer have "
    "these records, and nothing can be added to their days until “tally archive restore” brings them back."
)
KINDS = {
    "days": columns.text("Days"),
    "state": columns.text("State"),
    "records": columns.count("Records"),
    "size": columns.figure("Size"),
}
STATES = {
    "writing": "Not finished: the next run starts again",
    "archived": "Archived",
    "restored": "Brought back",
    "deleting": "Being deleted",
}


def render_archive(user: User) -> None:
    """A form for admins with what it would do; what is archived for others."""
    render_heading("Old records")
    if not user.workspace.may_administer:
        archived = data.load_archived(user)
        spans = ", ".join(format_span(days.first, days.last) for days in archived)
        st.text(f"Archived: {spans}." if spans else "Nothing is archived.")
        return
    state = data.load_archive_state(user)
    st.caption(ABOUT)
    with st.form("archive-days", border=False):
        is_on = st.checkbox("Archive old records", state.days is not None)
        days = st.number_input(
            "Days to keep records here",
            LEAST_DAYS,
            MOST_DAYS,
            state.days or USUAL_DAYS,
            step=1,
            help="From 31 days on, whole months are archived; below, single days.",
        )
        is_sent = st.form_submit_button("Save old records")
    if is_sent:
        _save(user, int(days) if is_on else None)
    if state.due:
        spans = ", ".join(format_span(days.first, days.last) for days in state.due[:3])
        more = f" and {len(state.due) - 3} more" if state.due[3:] else ""
        st.caption(escape_markdown(f"The next nightly run archives {spans}{more}."))
    _render_archives(state.archives)


def _render_archives(archives: list[Archive]) -> None:
    for archive in archives:
        if archive.problem:
            span = format_span(archive.days.first, archive.days.last)
            render_warning(f"{span}: {archive.problem}")
    if archives:
        rows = [
            (
                format_span(archive.days.first, archive.days.last),
                STATES.get(archive.state, archive.state),
                archive.records,
                f"{archive.bytes / 1e6:,.1f} MB",
            )
            for archive in archives
        ]
        render_table(pd.DataFrame(rows, columns=list(KINDS)), KINDS, "Archives")


@explain_refusal
def _save(user: User, days: int | None) -> None:
    data.set_archive_days(user, days)
    kept = (
        "always stay in the database" if days is None else f"stay in the database for {plural(days, 'day')}"
    )
    announce_in("archive", f"Records {kept}.")
    st.rerun()
