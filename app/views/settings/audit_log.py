"""Settings card: the audit log, for admins."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.data import filing
from app.data.api_keys import load_api_keys
from app.figures.audit_words import describe_details, name_action, name_actor
from app.figures.filing_words import describe_rule
from app.figures.source_names import describe_source
from app.formats.dates import format_instant
from app.formats.text import DASH
from app.ui import columns
from app.ui.line_list import Line, render_lines
from tally.storage.export import escape_formula

STEPS = (10, 100, 1000, 10_000)
MOST_LINES = 50  # on a phone
MOST_EXPORTED = 100_000
SHOWN = "audit_shown"
DETAILS_WIDTH = 420  # pixels
TEXTS = ("who", "action", "details", "address")


def render_audit_log(user: User, zone: ZoneInfo) -> None:
    """The newest entries, with a search, more of them on request, and all as a file."""
    names = _name_everything(user)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        st.header("Audit log", anchor=False, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
            search = st.text_input(
                "Search the audit log",
                placeholder="Person, action or resource",
                icon=":material/search:",
                key="audit_search",
                bind="query-params",
                max_chars=200,
                label_visibility="collapsed",
                width=240,
            ).strip()
            st.download_button(
                "Export CSV",
                partial(_export, user, search, names),
                file_name="tally-audit-log.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
    most = STEPS[st.session_state.get(SHOWN, 0)]
    total = data.count_audit_log(user, search)
    if not total:
        st.caption("No entry contains this text." if search else "No entries yet.")
        return
    table = describe_log(data.load_audit_log(user, search, most)[:most], names)
    render_lines(
        table,
        {
            "when": columns.instant("When", zone),
            "who": columns.name("Who"),
            "action": columns.text("Action"),
            "details": columns.fitting_text("Details", most_width=DETAILS_WIDTH),
            "address": columns.text("Address"),
        },
        "Changes in this workspace, newest first",
        "audit-log",
        [
            Line(f"{row['action']}: {row['details']}", f"{row['who']}, {format_instant(row['when'], zone)}")
            for row in table.head(MOST_LINES).to_dict("records")
        ],
    )
    _render_more(min(most, total), total)


def _render_more(shown: int, total: int) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        extent = f"Newest {shown:,} of {total:,}." if shown < total else f"{total:,} in total."
        st.caption(f"{extent} Entries cannot be changed or deleted.", width="content")
        step = st.session_state.get(SHOWN, 0)
        if shown < total and step + 1 < len(STEPS):
            st.button("Show more", key="more-audit", on_click=_show_more, args=(step + 1,))


def _show_more(step: int) -> None:
    st.session_state[SHOWN] = step


def describe_log(entries: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> pd.DataFrame:
    """The log as a table; `names` maps ids and slugs to names."""
    lines = [
        {
            "when": entry["created_at"],
            "who": name_actor(entry),
            "action": name_action(entry),
            "details": describe_details(entry, names),
            "address": entry["address"] or DASH,
        }
        for entry in entries
    ]
    return pd.DataFrame(lines, columns=["when", *TEXTS], dtype=object)


def write_log(entries: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> bytes:
    """The log as CSV whose cells cannot run as formulas in a spreadsheet; times are in UTC."""
    table = describe_log(entries, names)
    safe = table.assign(
        when=[entry["created_at"].isoformat(timespec="seconds") for entry in entries],
        address=[entry["address"] or "" for entry in entries],
        **{name: table[name].map(escape_formula) for name in TEXTS[:-1]},
    )
    # With this line terminator, cells with a carriage return or line feed are quoted.
    return safe.to_csv(index=False, lineterminator="\r\n").encode()


def _export(user: User, search: str, names: Mapping[str, str]) -> bytes:
    return write_log(data.load_audit_log(user, search, MOST_EXPORTED), names)


def _name_everything(user: User) -> dict[str, str]:
    providers = data.load_providers(user)
    names = {provider.provider_id: provider.name for provider in providers}
    names |= {provider.slug: provider.name for provider in providers}
    names |= {source["id"]: describe_source(source) for source in data.load_sources(user)}
    names |= {project.project_id: project.name for project in data.load_projects(user)}
    names |= {person.user_id: person.email for person in data.load_people(user).values()}
    names |= {key.id: f"{key.name} ({key.shown})" for key in load_api_keys(user)}
    values = {("source", source_id): name for source_id, name in names.items()}
    return names | {
        rule_id: describe_rule(rule, values) for rule_id, rule in filing.load_rules_by_id(user).items()
    }
