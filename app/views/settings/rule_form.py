"""Settings: the form of a rule, with suggestions and a live preview."""

from collections.abc import Sequence

import streamlit as st

from app.auth.identity import User
from app.data import filing
from app.figures.filing import Rule
from app.figures.filing_words import FIELDS, MATCHES
from app.formats.text import escape_markdown
from app.parts.rule_start import EDITED, NEW, Fields, start_new_rule
from app.ui.notices import explain_refusal, render_warning
from app.views.settings.rule_list import Draft, Names, confirm_rules

MAX_VALUE_LENGTH = 500
MAX_RULES = 200
SUGGESTED = "suggested-rule"
SHOWN_SUGGESTIONS = 8


def render_rule_form(user: User, rules: Sequence[Rule], projects: Sequence[str], names: Names) -> None:
    """A button that opens the form, or the form of a new or an edited rule; `projects` are active ones."""
    edited: Rule | str | None = st.session_state.get(EDITED)
    if edited not in (None, NEW, *rules):
        del st.session_state[EDITED]
        render_warning("This rule was changed in the meantime. Check the list and repeat your change.")
    if edited not in (NEW, *rules):
        is_full = len(rules) >= MAX_RULES
        st.button(
            "New rule",
            icon=":material/add:",
            key="new-rule",
            disabled=is_full or not projects,
            help=f"{MAX_RULES} rules are the most." if is_full else None,
            on_click=start_new_rule,
            args=(Fields(),),
        )
        return
    place = None if edited == NEW else rules.index(edited)
    st.subheader("New rule" if place is None else f"Edit rule {place + 1}", anchor=False)
    if place is None:
        _render_suggestions(user, names)
    rule = _render_fields(projects, names)
    if rule is None:
        st.caption("Choose what the rule asks for and the project. Nothing is moved before you confirm it.")
        is_done = st.button("Cancel", key="cancel-rules")
    else:
        after = [*rules, rule] if place is None else [*rules[:place], rule, *rules[place + 1 :]]
        draft = Draft(user.scope, tuple(rules), tuple(after), "Save rule")
        is_done = confirm_rules(user, draft, names)
    if is_done:
        del st.session_state[EDITED]
        st.rerun()


@explain_refusal
def _render_suggestions(user: User, names: Names) -> None:
    with st.spinner("Looking through unassigned records…"):
        found = filing.load_suggestions(user)[:SHOWN_SUGGESTIONS]
    if found:
        st.pills(
            "Suggested",
            range(len(found)),
            format_func=lambda nth: escape_markdown(_label(found[nth], names)),
            key=SUGGESTED,
            on_change=_fill,
            args=(found,),
            help="What your unassigned records name, dearest first.",
        )


def _label(found: filing.Suggestion, names: Names) -> str:
    value = names.values.get((found.field, found.value), found.value)
    return f"{FIELDS[found.field]} {value}"


def _fill(found: Sequence[filing.Suggestion]) -> None:
    nth = st.session_state[SUGGESTED]
    if nth is not None and nth < len(found):
        for name in ("field", "match", "value"):
            st.session_state[f"rule-{name}"] = getattr(found[nth], name)


def _render_fields(projects: Sequence[str], names: Names) -> Rule | None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        field = st.selectbox(
            "When", list(FIELDS), format_func=lambda name: FIELDS[name], key="rule-field", width=170
        )
        known = {value: name for (of_field, value), name in names.values.items() if of_field == "source"}
        if field == "source" and known:
            match, value = "exact", _choose_known(known)
        else:
            match = st.selectbox(
                "Match", list(MATCHES), format_func=lambda name: MATCHES[name], key="rule-match", width=130
            )
            value = st.text_input("Value", max_chars=MAX_VALUE_LENGTH, key="rule-value")
        project = st.selectbox(
            "Project",
            projects,
            index=None,
            format_func=lambda project: names.projects[project],
            placeholder="Choose",
            key="rule-project",
            width=220,
        )
    if not (value or "").strip() or project is None:
        return None
    return Rule(field, match or "exact", value.strip(), project)


def _choose_known(known: dict[str, str]) -> str:
    if st.session_state.get("rule-value") not in known:
        st.session_state["rule-value"] = next(iter(known))
    return str(st.selectbox("Value", list(known), format_func=lambda value: known[value], key="rule-value"))
