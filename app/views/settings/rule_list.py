"""Settings: the ordered rules that file records; each change of them is previewed before it is made."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.data import filing
from app.figures.filing import Rule, shift_rule
from app.figures.filing_words import describe_rule
from app.formats.money import format_usd
from app.parts.rule_start import DRAFT, EDITED, start_editing
from app.ui import columns
from app.ui.cards import render_subheading
from app.ui.line_list import Line, render_choices, render_lines, selected_line
from app.ui.notices import render_refusal, render_warning
from app.views.settings.card import render_outcome
from app.views.settings.confirmation import Change, confirm_change
from tally.core.text import plural
from tally.storage.database import DatabaseError

ALT = "Rules in their order"
PLACE_WIDTH = 48  # pixels
MOST_COUNTED_AT_ONCE = 200_000  # all are read, which takes 0.7 s for 100,000
COUNTED = "counted_by_rule"
COLUMNS = {
    "place": columns.count("#", width=PLACE_WIDTH),
    "rule": columns.name("When"),
    "project": columns.name("Project"),
    "records": columns.count("Records"),
    "cost": columns.number("Spend", format_usd),
}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of projects by id, those that are archived, and names by field and value of what has an id."""

    projects: Mapping[str, str]
    values: Mapping[tuple[str, str], str]
    archived: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that waits for confirmation: the list before and after it, in a workspace."""

    scope: tuple[str, ...]
    before: tuple[Rule, ...]
    after: tuple[Rule, ...]
    otherwise: str  # the button's label if no record moves


def describe_rules(
    rules: Sequence[Rule], names: Names, filed: Mapping[Rule, filing.Filed] | None
) -> pd.DataFrame:
    """Rules as a table, for COLUMNS; without what they file where that is unknown.

    Rules of archived projects file nothing: they have neither records nor spend.
    """
    lines = {
        "place": range(1, len(rules) + 1),
        "rule": [describe_rule(rule, names.values) for rule in rules],
        "project": [names.projects.get(rule.project_id, "") for rule in rules],
    }
    if filed is not None:
        found = [
            None if rule.project_id in names.archived else filed.get(rule, filing.Filed()) for rule in rules
        ]
        lines |= {
            "records": [one and one.records for one in found],
            "cost": [one and one.cost_usd for one in found],
        }
    return pd.DataFrame(lines, dtype=object)


def _load_filed(user: User) -> Mapping[Rule, filing.Filed] | None:
    """Records and spend by rule; None where they are not counted yet, or cannot be."""
    records = int(data.load_daily(user, None, None)["records"].sum())
    if records > MOST_COUNTED_AT_ONCE and st.session_state.get(COUNTED) != user.scope:
        st.button("Count records", icon=":material/tag:", key="count-by-rule", on_click=_count, args=(user,))
        return None
    try:
        with st.spinner("Counting records…"):
            return filing.load_filed(user)
    except DatabaseError as problem:
        render_refusal(problem)
        return None


def _count(user: User) -> None:
    st.session_state[COUNTED] = user.scope


def render_rule_list(user: User, rules: Sequence[Rule], names: Names) -> None:
    """The table, with buttons for the selected rule, and the change that waits for confirmation."""
    render_subheading("Rules", "first match wins")
    render_outcome("rules")
    if not rules:
        st.caption("No rules yet. Records without a matching rule are unassigned.")
        return
    may_change = user.workspace.may_administer
    table = describe_rules(rules, names, _load_filed(user) if may_change else None)
    key = f"rules-{hash(tuple(rules))}"
    if not may_change:
        render_lines(table, COLUMNS, ALT, key, describe_lines(table))
        return
    render_choices(table, COLUMNS, ALT, key, describe_lines(table))
    if any(rule.project_id in names.archived for rule in rules):
        st.caption("A rule of an archived project waits until its project is restored.")
    _render_actions(user, rules, selected_line(key, len(rules)))
    _render_draft(user, rules, names)


def describe_lines(table: pd.DataFrame) -> list[Line]:
    """The rows of `describe_rules` as lines."""
    lines = []
    for row in table.to_dict("records"):
        filed = (
            f" · {plural(row['records'], 'record')}, {format_usd(row['cost'])}"
            if row.get("records") is not None
            else ""
        )
        lines.append(Line(f"{row['place']}. {row['rule']}", f"{row['project']}{filed}"))
    return lines


def _render_actions(user: User, rules: Sequence[Rule], place: int | None) -> None:
    last = len(rules) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, icon, is_possible, step in (
            ("Move up", "arrow_upward", place is not None and place > 0, -1),
            ("Move down", "arrow_downward", place is not None and place < last, 1),
        ):
            draft = (user, tuple(rules), place, step, "Save the order")
            _render_button(label, icon, is_possible, _draft_change, draft)
        rule = None if place is None else rules[place]
        _render_button("Edit", "edit", rule is not None, start_editing, (rule,))
        deletion = (user, tuple(rules), place, 0, "Delete the rule")
        _render_button("Delete", "delete", rule is not None, _draft_change, deletion)


def _render_button(
    label: str, icon: str, is_possible: bool, act: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        disabled=not is_possible,
        key=f"rule-{icon}",
        on_click=act,
        args=arguments,
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
    if confirm_rules(user, draft, names):
        del st.session_state[DRAFT]
        st.rerun()


def confirm_rules(user: User, draft: Draft, names: Names) -> bool:
    """Preview a change with buttons that save or drop it; true when one was pressed."""
    return confirm_change(
        Change(
            preview=lambda: filing.preview_rules(user, draft.after),
            save=lambda: filing.save_rules(user, draft.after, draft.before),
            names=names.projects,
            otherwise=draft.otherwise,
            key=f"rules-{hash(draft.after)}",
            card="rules",
            is_danger=len(draft.after) < len(draft.before),
        )
    )
