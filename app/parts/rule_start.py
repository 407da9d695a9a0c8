"""Opening the form of a rule, with its fields filled; the form is in Settings."""

from typing import NamedTuple

import streamlit as st

from app.figures.filing import Rule

EDITED = "edited_rule"  # the rule in the form, or NEW
NEW = "new"
DRAFT = "rule_draft"  # a change that waits for confirmation, in place of the form


class Fields(NamedTuple):
    """The fields of the form, in which a new rule has no project yet."""

    field: str = "folder"
    match: str = "exact"
    value: str = ""
    project: str | None = None


def start_editing(rule: Rule) -> None:
    """Open the form on a rule."""
    _open(rule, Fields(rule.field, rule.match, rule.value, rule.project_id))


def start_new_rule(fields: Fields) -> None:
    """Open the form on a new rule."""
    _open(NEW, fields)


def _open(edited: Rule | str, fields: Fields) -> None:
    st.session_state.pop(DRAFT, None)
    st.session_state[EDITED] = edited
    for name, value in fields._asdict().items():
        st.session_state[f"rule-{name}"] = value
