"""Records: every stored charge, searched, sorted and paged by the database; manual entries can be edited."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.formats.money import NO_PRICE
from app.formats.text import escape_markdown
from app.parts.archived_notice import render_archived
from app.parts.nothing_yet import render_nothing_yet
from app.parts.permissions import explain_fixed, render_own_only
from app.parts.project_choice import choose_project
from app.parts.record_labels import BASES, SOURCES
from app.ui.line_list import render_choices, selected_line
from app.ui.navigation import clear_parameter, switch_page
from app.ui.notices import render_warning
from app.ui.periods import EARLIEST_DAY, today_in
from app.ui.titles import title_row
from app.views.records.calls import CALL_PARAMETERS, name_calls, read_calls
from app.views.records.dialogs import confirm_deletion, edit_entry
from app.views.records.table import describe_records, describe_sums, explain_record, list_columns
from tally.core.text import plural
from tally.storage.database import TimedOut

SORTS: dict[data.RecordSort, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "dearest": "Most expensive first",
    "tokens": "Most tokens first",
}
MOST_PAGES = data.MOST_SKIPPED // data.PAGE_ROWS + 1


def choose(label: str, options: Mapping[str, str]) -> str | None:
    """A filter over key -> label, stored in the URL; None for any."""
    return st.selectbox(
        label,
        list(options),
        index=None,
        format_func=lambda key: options[key],
        placeholder="Any",
        key=label.lower(),
        bind="query-params",
    )


def choose_day(label: str, key: str) -> date | None:
    """The first or last day of the filter, stored in the URL; None for any."""
    latest = today + timedelta(days=366)
    return st.date_input(label, None, EARLIEST_DAY, latest, format="YYYY-MM-DD", key=key, bind="query-params")


def choose_sort() -> data.RecordSort:
    """The order of all matching records, stored in the URL."""
    return st.selectbox("Sort", SORTS, format_func=SORTS.__getitem__, key="sort", bind="query-params")


@contextmanager
def explain_slow() -> Iterator[None]:
    """End the page with what to do where the records are too many for the database's time."""
    try:
        yield
    except TimedOut as slow:
        render_warning(data.explain_wait(slow))
        st.stop()


def render_filters() -> tuple[data.RecordFilter, data.RecordSort]:
    """The filters. Select boxes show model names as plain text, so hostile names are harmless."""
    with st.grid(3, min_column_width=140, gap="small"):
        search = st.text_input(
            "Search",
            max_chars=data.MAX_SEARCH,
            placeholder="Model, note, id…",
            help="In models, notes, sessions, ids of requests and names of projects.",
            key="search",
            bind="query-params",
        )
        sort = choose_sort()
        provider = choose("Provider", providers)
        model = choose("Model", {name: name for name in models})
        source = choose("Source", SOURCES)
        basis = choose("Basis", BASES)
        first = choose_day("From", "first_day")
        last = choose_day("To", "last_day")
        account = choose("Account", accounts) if accounts else None
    chosen = data.RecordFilter(
        provider,
        model,
        source,
        basis,
        first,
        last,
        project.project_id if project else None,
        account,
        st.query_params.get("session") or None,
        search=search or "",
        calls=read_calls(st.query_params),
    )
    return chosen, sort


def render_session() -> None:
    """The session that the address names, and the way to all records."""
    if session := st.query_params.get("session"):
        st.button(
            f"Session {escape_markdown(session[:60])}",
            icon=":material/close:",
            on_click=clear_parameter,
            args=("session",),
            key="leave_session",
        )


def render_calls() -> None:
    """The calls that the address asks for, and the way to all records."""
    if calls := read_calls(st.query_params):
        label = f"{escape_markdown(name_calls(calls))}"
        if st.button(label, icon=":material/close:", key="leave_calls"):
            for name in CALL_PARAMETERS:
                clear_parameter(name)
            st.rerun()


def render_actions(row: dict[str, Any] | None) -> None:
    """Buttons for the selected record."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        fixed = explain_fixed(user, row["user_id"] if row else None) or explain_record(row)
        if st.button("Edit", icon=":material/edit:", disabled=fixed is not None) and row:
            edit_entry(row, preferences.zone)
        if st.button("Delete", icon=":material/delete:", disabled=fixed is not None) and row:
            confirm_deletion(row, preferences.zone)
        described = row["metadata"] if row else {}
        trace_id = described.get("trace_id")
        if isinstance(trace_id, str) and st.button("Trace", icon=":material/account_tree:"):
            switch_page("traces", trace=trace_id, span=str(described.get("span_id") or ""))
        session = described.get("session") or described.get("session_id")
        if isinstance(session, str) and st.button("Session", icon=":material/terminal:", key="to_session"):
            switch_page("agents", session=session)
        if fixed:
            st.caption(fixed)


user = current_user()
preferences = data.load_preferences(user)
today = today_in(preferences.zone)
providers = {provider.provider_id: provider.name for provider in data.load_providers(user)}

with title_row("Records"):
    project = choose_project(user)
render_own_only(user)
with st.skeleton(height=480):
    accounts = data.load_account_names(user)
    models = data.load_model_names(user)
    if models:
        chosen, sort = render_filters()
        render_session()
        render_calls()
        page_key = f"page-{hash((chosen, sort))}"
        page = st.session_state.get(page_key) or 1
        load_page = partial(data.load_records_page, user, chosen, timezone=preferences.timezone, sort=sort)
        load_sums = partial(data.load_record_sums, user, chosen, preferences.timezone)
        with explain_slow():
            rows = load_page(page)
            if not rows and page > 1:  # records were deleted meanwhile
                page = max(1, -(-load_sums().records // data.PAGE_ROWS))
                rows = load_page(page)
            if not rows and page > 1:  # archived ones are in the sums alone
                page = 1
                rows = load_page(page)
if not models:
    render_nothing_yet(user)
    st.stop()
render_archived(user, chosen.first_day, chosen.last_day)
if not rows:
    with st.container(border=True):
        st.text("No records match these filters.")
        if chosen.session:
            st.caption(
                "The session's records are outside of the other filters, were deleted with their source, "
                "or belong to people whose records your role does not show."
            )
    st.stop()

table_key = f"records-{hash((chosen, sort))}-{page}"
position = selected_line(table_key, len(rows))
render_actions(None if position is None else rows[position])
currency = data.load_currency(user)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    totals = st.empty()
    totals.markdown("Adding up…", width="content")
    st.download_button(
        "Download CSV",
        partial(data.export_records, user, chosen, preferences.timezone),
        file_name=f"tally-records-{today}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help=f"What matches, newest first, up to {data.MOST_EXPORTED:,} records.",
    )
render_choices(
    describe_records(rows, providers, preferences.zone, currency),
    list_columns(preferences.zone, currency.code),
    f"Records, {SORTS[sort].lower()}",
    table_key,
    absent=NO_PRICE,
)
with explain_slow():  # after the table, which does not wait for them: sums read every matching record
    sums = load_sums()
totals.markdown(describe_sums(sums, currency), width="content")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    first_row = (page - 1) * data.PAGE_ROWS + 1
    st.caption(
        f"{first_row:,} to {first_row + len(rows) - 1:,} of {plural(sums.records, 'record')}", width="content"
    )
    if (pages := min(-(-sums.records // data.PAGE_ROWS), MOST_PAGES)) > 1:
        st.pagination(pages, key=page_key)
if sums.records > data.MOST_EXPORTED:
    st.caption(f"The CSV has the newest {data.MOST_EXPORTED:,}. Choose a shorter period for the others.")
