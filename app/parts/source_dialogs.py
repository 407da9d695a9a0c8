"""Dialogs that delete a source and change how a tool is paid."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import database_of
from app.figures.source_names import describe_source
from app.formats.text import escape_markdown
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal
from tally.core.text import plural
from tally.importers.save import undo_import
from tally.pricing.paid_by import set_paid_by_plan
from tally.samples import sample

KEPT_OTHERWISE = {
    "machine": "unless `tally collect --paid-by` was used on its machine",
    "key": "with this key and any that replaces it",
}
PATIENCE = "Large sources take up to a minute."  # 200,000 records
RETURNS = {
    "machine": "The next `tally collect` on that machine adds it again. To prevent that, exclude it instead.",
    "key": (
        "The next telemetry with its key adds it again, without what was sent before. To prevent that, "
        "exclude it instead, or revoke the key."
    ),
    "connection": (
        "The next sync of its connection adds it again. To prevent that, delete the connection as well."
    ),
}


@st.dialog("Delete this source?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(source: Mapping[str, Any]) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    is_sample = source["format"] == sample.FORMAT
    count = data.count_records(user, source["id"])
    removed = plural(count, "record") + (" and the rest of the sample" if is_sample else "")
    st.text(describe_source(source))
    st.caption(
        escape_markdown(
            f"{removed} will be removed from all totals. Other sources stay. This cannot be undone."
        )
    )
    if source["kind"] in RETURNS:
        st.caption(RETURNS[source["kind"]])
    if not confirm_danger("Remove sample data" if is_sample else "Delete source"):
        return
    with st.spinner(f"Removing records… {PATIENCE}"):
        database = database_of(user)
        sample.remove(database) if is_sample else undo_import(database, source["id"])
    data.forget_version(user)
    announce(f"{removed} removed.")
    st.rerun()


@st.dialog("How is it paid?", icon=":material/payments:")
@explain_refusal
def edit_payment(source: Mapping[str, Any], is_plan: bool) -> None:
    """Choose between an API key and a plan; also changes the records collected so far."""
    user = identity.current_user()
    st.text(describe_source(source))
    by_plan = st.radio(
        "Paid by",
        [False, True],
        index=int(is_plan),
        format_func=lambda plan: "Subscription plan" if plan else "API key",
        captions=["Usage adds to spend, at list prices.", "Usage has a value, but adds nothing to spend."],
    )
    st.caption(f"Applies to everything collected so far and from now on, {KEPT_OTHERWISE[source['kind']]}.")
    if not st.button("Save changes", type="primary", width="stretch", disabled=by_plan == is_plan):
        return
    with st.spinner(f"Updating records… {PATIENCE}"):
        moved = set_paid_by_plan(database_of(user), source["id"], bool(by_plan))
    data.forget_version(user)
    announce(f"{plural(moved, 'record')} changed to {'plan' if by_plan else 'API key'}.")
    st.rerun()
