"""A change of what records are filed under: what it moves, in words, and the button that makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from app.figures.filing import Plan
from app.figures.filing_words import describe_plan, name_change
from app.formats.text import escape_markdown
from app.ui.danger import danger_button
from app.ui.notices import render_refusal
from app.views.settings.card import Card, announce_in
from tally.core.text import plural
from tally.storage.database import DatabaseError


@dataclass(frozen=True, slots=True)
class Change:
    """A change that can be previewed; `names` maps ids to names.

    `otherwise` is the button's label if no record moves, `done` the notice after it in a card. `key` stands
    for exactly this change, so that a click on the preview of another one does nothing. `is_danger` says
    that it deletes something.
    """

    preview: Callable[[], Plan]
    save: Callable[[], Plan]
    names: Mapping[str, str]
    otherwise: str
    key: str
    card: Card
    done: str = "Saved."
    is_danger: bool = False


def confirm_change(change: Change) -> bool:
    """Preview a change with buttons that make it or drop it; true when it is made or dropped."""
    try:
        with st.spinner("Looking for the records that move…"):
            plan = change.preview()
    except DatabaseError as problem:
        render_refusal(problem)
        return st.button("Cancel", key=f"cancel-{change.key}")
    headline, details = describe_plan(plan, change.names)
    st.info(f"**{escape_markdown(headline)}**\n\n{escape_markdown(details)}", icon=":material/arrow_forward:")
    label, key = name_change(plan, change.otherwise), f"save-{change.key}"
    with st.container(horizontal=True, gap="small"):
        if change.is_danger:
            is_dropped = st.button("Cancel", key=f"cancel-{change.key}")
            is_made = danger_button(label, key, "content")
        else:
            is_made = st.button(label, type="primary", key=key)
            is_dropped = st.button("Cancel", key=f"cancel-{change.key}")
    return is_dropped or (is_made and _save(change, plan))


def _save(change: Change, plan: Plan) -> bool:
    try:
        with st.spinner(f"Moving {plural(plan.records, 'record')}…" if plan.records else "Saving…"):
            moved = change.save()
    except DatabaseError as problem:
        render_refusal(problem)
        return False
    records = plural(moved.records, "record") if moved.records else "No record"
    announce_in(change.card, f"{change.done} {records} moved.")
    return True
