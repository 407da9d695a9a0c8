"""Settings card: whom the names in reports stand for, for admins of a shared workspace."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.data import filing
from app.figures.members import Person
from app.formats.money import format_usd
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.cards import render_heading, render_subheading
from app.ui.line_list import forget_line, render_choices, selected_line
from app.views.settings.confirmation import Change, confirm_change

LOOKED = "looked_for_people"
REMOVED = "removed_alias"


def render_aliases(user: User, people: Mapping[str, Person]) -> None:
    """Names that no member is known by, names that are known, and the change that waits for confirmation."""
    render_heading("People named in reports")
    aliases = filing.load_aliases(user)
    names = {person.user_id: person.email for person in people.values()}
    if st.session_state.get(LOOKED) == user.scope:
        _render_unknown(user, aliases, names)
    else:
        st.caption("Records belong to whoever brought them, unless you say whom a name in them stands for.")
        st.button(
            "Look for names",
            icon=":material/person_search:",
            key="look-for-people",
            on_click=_look,
            args=(user,),
        )
    if aliases:
        _render_known(user, aliases, names)


def _look(user: User) -> None:
    st.session_state[LOOKED] = user.scope


def _render_unknown(user: User, aliases: Mapping[str, str], names: Mapping[str, str]) -> None:
    with st.spinner("Looking through the records…"):
        unknown = filing.load_unknown_people(user)
    if not unknown:
        st.caption("Every name in your records is known.")
        return
    table = pd.DataFrame(
        {
            "value": [person.value for person in unknown],
            "records": [person.records for person in unknown],
            "cost": [person.cost_usd for person in unknown],
        },
        dtype=object,
    )
    kinds = {
        "value": columns.name("Name in reports"),
        "records": columns.count("Records"),
        "cost": columns.number("Cost", format_usd),
    }
    key = f"unknown-people-{hash(tuple(unknown))}"
    render_choices(table, kinds, "Names that no member is known by", key)
    place = selected_line(key, len(unknown))
    if place is None:
        st.caption("Select a name to say whom it stands for.")
        return
    chosen = st.selectbox(
        f"{escape_markdown(unknown[place].value)} is",
        list(names),
        index=None,
        format_func=lambda user_id: names[user_id],
        placeholder="Choose a member",
        key=f"alias-{unknown[place].value}",
    )
    if chosen and _confirm(user, aliases, {**aliases, unknown[place].value: chosen}, names):
        forget_line(key, len(unknown))
        st.rerun()


def _render_known(user: User, aliases: Mapping[str, str], names: Mapping[str, str]) -> None:
    render_subheading("Known names")
    values = list(aliases)
    table = pd.DataFrame(
        {"value": values, "person": [names.get(aliases[value], "Deleted account") for value in values]}
    )
    kinds = {"value": columns.name("Name in reports"), "person": columns.name("Person")}
    key = f"aliases-{hash(tuple(aliases.items()))}"
    render_choices(table, kinds, "Known names", key)
    place = selected_line(key, len(values))
    st.button(
        "Forget name",
        icon=":material/delete:",
        disabled=place is None,
        key="remove-alias",
        on_click=_ask_to_remove,
        args=(None if place is None else values[place],),
    )
    removed = st.session_state.get(REMOVED)
    rest = {value: person for value, person in aliases.items() if value != removed}
    if removed in aliases and _confirm(user, aliases, rest, names):
        del st.session_state[REMOVED]
        st.rerun()


def _ask_to_remove(value: str | None) -> None:
    st.session_state[REMOVED] = value


def _confirm(
    user: User, before: Mapping[str, str], after: Mapping[str, str], names: Mapping[str, str]
) -> bool:
    return confirm_change(
        Change(
            preview=lambda: filing.preview_aliases(user, after),
            save=lambda: filing.save_aliases(user, after, before),
            names=names,
            otherwise="Save",
            key=f"aliases-{hash(tuple(sorted(after.items())))}",
            card="aliases",
            is_danger=len(after) < len(before),
        )
    )
