"""The dialogs that delete a source and say who pays for a tool."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import database_of
from app.formats.text import escape_markdown
from app.parts.source_names import describe_source
from app.ui.notices import announce, render_refusal
from tally.core.text import plural
from tally.importers.save import undo_import
from tally.spend import sample_data
from tally.storage.database import DatabaseError

COMES_AGAIN = {
    "machine": (
        "`tally collect` on that machine brings it again. To leave it out for good, switch it off instead."
    ),
    "connection": (
        "Its connection fetches it again with the next sync. To stop that, delete it under Connections."
    ),
}


@st.dialog("Delete this source?", icon=":material/delete:")
def confirm_deletion(source: Mapping[str, Any]) -> None:
    """Say what goes and what stays, ask once, then delete."""
    user = identity.current_user()
    is_sample = source["format"] == sample_data.FORMAT
    try:
        count = data.count_import_records(user, source["id"])
    except DatabaseError as problem:
        render_refusal(problem)
        return
    st.text(describe_source(source))
    also = " and the sample subscriptions" if is_sample else ""
    goes = "goes" if count == 1 and not is_sample else "go"
    st.caption(
        escape_markdown(
            f"{plural(count, 'record')}{also} {goes} out of every total. What another source also said "
            "stays. This cannot be undone."
        )
    )
    if source["kind"] in COMES_AGAIN:
        st.caption(COMES_AGAIN[source["kind"]])
    if not st.button("Delete", type="primary", width="stretch", key="confirm-deletion"):
        return
    try:
        with st.spinner("Removing the records…"):
            database = database_of(user)
            sample_data.remove(database) if is_sample else undo_import(database, source["id"])
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce(f"{plural(count, 'record')}{also} removed.")
    st.rerun()


@st.dialog("Who pays for it?", icon=":material/payments:")
def ask_who_pays(source: Mapping[str, Any], is_plan: bool) -> None:
    """Paid by the token or covered by a plan; moves what was collected so far."""
    user = identity.current_user()
    st.text(describe_source(source))
    by_plan = st.radio(
        "Paid by",
        [False, True],
        index=int(is_plan),
        format_func=lambda plan: "A plan at a fixed price" if plan else "An API key, by the token",
        captions=[
            "What it used is money spent, at list price.",
            "What it used has a worth and costs nothing more.",
        ],
    )
    st.caption(
        "This changes what was collected so far and holds for what that tool brings from now on, unless "
        "`tally collect --paid-by` said otherwise on its machine."
    )
    if not st.button("Save", type="primary", width="stretch", disabled=by_plan == is_plan):
        return
    try:
        with st.spinner("Moving the records…"):
            database = database_of(user)
            moved = database.call("set_paid_by_plan", import_id=source["id"], is_plan=bool(by_plan))
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce(
        f"{plural(int(moved), 'record')} moved to {'the plan' if by_plan else 'what is paid by the token'}."
    )
    st.rerun()
