"""Records: every stored charge, filtered and paged by the database; manual entries can be edited."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.formats.money import NO_PRICE
from app.formats.text import escape_markdown
from app.parts.nothing_yet import render_nothing_yet
from app.parts.permissions import explain_fixed, render_own_only
from app.parts.project_choice import choose_project
from app.parts.record_labels import BASES, SOURCES
from app.ui.navigation import clear_parameter, switch_page
from app.ui.periods import EARLIEST_DAY, today_in
from app.ui.tables import render_table, selected_row
from app.ui.titles import title_row
from app.views.records.dialogs import confirm_deletion, edit_entry
from app.views.records.table import describe_records, explain_record, list_columns
from tally.core.text import plural


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


def render_filters() -> data.RecordFilter:
    """The filters. Select boxes show model names as plain text, so hostile names are harmless."""
    with st.grid(3, min_column_width=140, gap="small"):
        provider = choose("Provider", providers)
        model = choose("Model", {name: name for name in models})
        source = choose("Source", SOURCES)
        basis = choose("Basis", BASES)
        first = choose_day("From", "first_day")
        last = choose_day("To", "last_day")
        account = choose("Account", accounts) if accounts else None
    return data.RecordFilter(
        provider,
        model,
        source,
        basis,
        first,
        last,
        project.project_id if project else None,
        account,
        st.query_params.get("session") or None,
    )


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
        chosen = render_filters()
        render_session()
        count = data.load_records_count(user, chosen, preferences.timezone)
if not models:
    render_nothing_yet(user)
    st.stop()
if count == 0:
    with st.container(border=True):
        st.text("No records match these filters.")
    st.stop()

pages = -(-count // data.PAGE_ROWS)
page_key = f"page-{hash(chosen)}"
page = min(st.session_state.get(page_key) or 1, pages)
rows = data.load_records_page(user, chosen, page, preferences.timezone)
table_key = f"records-{hash(chosen)}-{page}"
position = selected_row(table_key, len(rows))
render_actions(None if position is None else rows[position])
currency = data.load_currency(user)
render_table(
    describe_records(rows, providers, preferences.zone, currency),
    list_columns(preferences.zone, currency.code),
    "Records, newest first",
    NO_PRICE,
    table_key,
)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    first_row = (page - 1) * data.PAGE_ROWS + 1
    st.caption(
        f"{first_row:,} to {first_row + len(rows) - 1:,} of {plural(count, 'record')}", width="content"
    )
    if pages > 1:
        st.pagination(pages, key=page_key)
