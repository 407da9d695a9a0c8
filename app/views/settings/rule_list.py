"""Settings: the ordered rules that file records; each change of them is previewed before it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.data import filing
from app.figures.filing import Rule, shift_rule
from app.figures.filing_words import describe_rule
from app.parts.rule_start import DRAFT, EDITED, start_editing
from app.ui import columns
from app.ui.cards import render_subheading
from app.ui.notices import render_warning
from app.ui.tables import render_table, selected_row
from app.views.settings.confirmation import Change, confirm_change

PLACE_WIDTH = 48  # pixels


@dataclass(frozen=True, slots=True)
class Names:
    """Names of projects by id, and of values of rules that are ids by field and value."""

    projects: Mapping[str, str]
    values: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that waits for confirmation: the list before and after it, in a workspace."""

    scope: tuple[str, ...]
    before: tuple[Rule, ...]
    after: tuple[Rule, ...]
    otherwise: str  # the button's label if no record moves


def render_rule_list(user: User, rules: Sequence[Rule], names: Names) -> None:
    """The table, with buttons for the selected rule, and the change that waits for confirmation."""
    render_subheading("Rules", "first match wins")
    if not rules:
        st.caption("No rules yet. Records without a matching rule are unassigned.")
        return
    table = pd.DataFrame(
        {
            "place": range(1, len(rules) + 1),
            "rule": [describe_rule(rule, names.values) for rule in rules],
            "project": [names.projects.get(rule.project_id, "") for rule in rules],
        }
    )
    kinds = {
        "place": columns.count("#", width=PLACE_WIDTH),
        "rule": columns.name("When"),
        "project": columns.name("Project"),
    }
    may_change = user.workspace.may_administer
    key = f"rules-{hash(tuple(rules))}"
    render_table(table, kinds, "Rules in their order", key=key if may_change else None)
    if may_change:
        _render_actions(user, rules, selected_row(key, len(rules)))
        _render_draft(user, rules, names)


def _render_actions(user: User, rules: Sequence[Rule], place: int | None) -> None:
    last = len(rules) - 1
    actions = (
        ("Move up", "arrow_upward", "Save the order", place is not None and place > 0, -1),
        ("Move down", "arrow_downward", "Save the order", place is not None and place < last, 1),
        ("Delete", "delete", "Delete the rule", place is not None, 0),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, icon, otherwise, is_possible, step in actions:
            st.button(
                label,
                icon=f":material/{icon}:",
                disabled=not is_possible,
                key=f"rule-{icon}",
                on_click=_draft_change,
                args=(user, tuple(rules), place, step, otherwise),
            )
        st.button(
            "Edit",
            icon=":material/edit:",
            disabled=place is None,
            key="rule-edit",
            on_click=start_editing,
            args=(None if place is None else rules[place],),
        )


def _draft_change(user: User, rules: tuple[Rule, ...], place: int, step: int, otherwise: str) -> None:
    after = shift_rule(rules, place, step) if step else [*rules[:place], *rules[place + 1 :]]
    st.session_state[DRAFT] = Draft(user.scope, rules, tuple(after), otherwise)
    st.session_state.pop(EDITED, None)


def _render_draft(user: User, rules: Sequence[Rule], names: Names) -> None:
    draft: Draft | None = st.session_state.get(DRAFT)
    if draft is None or draft.scope != user.scope:
        return
    if draft.before != tuple(rules):
        del st.session_state[DRAFT]
        render_warning("The rules were changed in the meantime. Check the list and repeat your change.")
        return
    if confirm_rules(user, draft.after, names, draft.otherwise):
        del st.session_state[DRAFT]
        st.rerun()


def confirm_rules(user: User, after: Sequence[Rule], names: Names, otherwise: str) -> bool:
    """Preview these rules with buttons that save or drop them; true when one was pressed."""
    return confirm_change(
        Change(
            preview=lambda: filing.preview_rules(user, after),
            save=lambda: filing.save_rules(user, after),
            names=names.projects,
            otherwise=otherwise,
            key=f"rules-{hash(tuple(after))}",
        )
    )
