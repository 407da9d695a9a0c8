"""Where records come from: every source with what it said, and switching it off or deleting it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.formats.dates import format_day, format_instant
from app.formats.money import format_money
from app.formats.text import DASH
from app.parts.source_dialogs import ask_who_pays, confirm_deletion
from app.parts.source_names import describe_source, describe_what, shown_name
from app.ui.cards import name_width, render_heading
from app.ui.notices import announce, render_refusal, render_warning
from tally.core.text import plural
from tally.storage.database import DatabaseError

QUIET_DAYS = 3  # a machine or a connection that brings nothing for longer is worth a look
PAID_EITHER_WAY = ("claude-code", "codex", "gemini-cli", "opencode")
MONEY = {"billed": "Billed", "estimated": "Estimated", "included": "Worth"}
COLUMN = st.column_config
COLUMNS = {
    "What": COLUMN.TextColumn("What"),
    "Counts": COLUMN.TextColumn("Counts"),
    "Records": COLUMN.NumberColumn("Records", format="localized"),
    "Billed": COLUMN.TextColumn("Billed", alignment="right"),
    "Estimated": COLUMN.TextColumn("Estimated", alignment="right"),
    "Worth": COLUMN.TextColumn(
        "Worth",
        width=90,
        alignment="right",
        help="At list prices, covered by a plan. It is never added to money.",
    ),
    "Unpriced": COLUMN.NumberColumn("No price", format="localized"),
    "Brought": COLUMN.TextColumn("Last brought"),
    "Newest": COLUMN.TextColumn("Newest day"),
}


def describe_sources(
    sources: Sequence[Mapping[str, Any]], said: pd.DataFrame, zone: ZoneInfo, currency: str
) -> pd.DataFrame:
    """One line a source; `said` is data.load_source_days."""
    by_source = dict(iter(said.groupby("import_id")))
    lines = [_describe(source, by_source.get(source["id"]), zone, currency) for source in sources]
    frame = pd.DataFrame(lines)
    unused = [name for name in (*MONEY.values(), "Unpriced") if frame[name].isna().all()]
    return frame.drop(columns=unused)


def _describe(
    source: Mapping[str, Any], said: pd.DataFrame | None, zone: ZoneInfo, currency: str
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "Source": shown_name(source["filename"]),
        "What": describe_what(source),
        "Counts": "Yes" if source["counts"] else "Switched off",
        "Records": 0,
        **dict.fromkeys(MONEY.values()),
        "Unpriced": None,
        "Brought": format_instant(brought_at(source), zone),
        "Newest": None,
    }
    if said is None:
        return line
    for basis, name in MONEY.items():
        known = [cost for cost in said[said["cost_basis"] == basis]["cost_usd"] if cost is not None]
        if known:
            line[name] = format_money(sum(known, Decimal(0)), currency)
    return line | {
        "Newest": format_day(said["day"].max()),
        "Records": int(said["records"].sum()),
        "Unpriced": int(said["unpriced_records"].sum()) or None,
    }


def brought_at(source: Mapping[str, Any]) -> datetime:
    """When a source last brought something."""
    return datetime.fromisoformat(source["finished_at"] or source["created_at"])


def list_quiet(sources: Sequence[Mapping[str, Any]], now: datetime) -> list[str]:
    """What machines and connections have been silent for days, in words."""
    quiet = []
    for source in sources:
        days = (now - brought_at(source)).days
        if source["kind"] != "file" and source["counts"] and days >= QUIET_DAYS:
            quiet.append(f"{describe_source(source)}: nothing new for {plural(days, 'day')}.")
    return quiet


def render_sources(
    user: User, sources: Sequence[Mapping[str, Any]], said: pd.DataFrame, zone: ZoneInfo, currency: str
) -> None:
    """The list, and what can be done with the selected source."""
    quiet = list_quiet(sources, datetime.now(zone))
    with st.container(border=True):
        render_heading("Where records come from", plural(len(sources), "source"))
        if quiet:
            render_warning(" ".join(quiet[:5]))
        table_key = f"sources-{sources[0]['id']}-{len(sources)}"
        selected = st.session_state.get(table_key, {}).get("selection", {}).get("rows", [])
        source = sources[selected[0]] if selected and selected[0] < len(sources) else None
        _render_actions(user, source, said)
        frame = describe_sources(sources, said, zone, currency)
        st.dataframe(
            frame,
            hide_index=True,
            height="content" if len(frame) <= 12 else 460,
            key=table_key,
            on_select="rerun",
            selection_mode="single-row",
            column_config=COLUMNS
            | {"Source": COLUMN.TextColumn("Source", width=name_width(frame["Source"]))},
            placeholder=DASH,
            alt="Your sources",
        )


def _render_actions(user: User, source: Mapping[str, Any] | None, said: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_off = source is not None and not source["counts"]
        label, icon = ("Count it", "toggle_on") if is_off else ("Switch off", "toggle_off")
        if st.button(label, icon=f":material/{icon}:", disabled=source is None, key="switch") and source:
            _switch(user, source, counts=is_off)
        if source and source["kind"] == "machine" and source["format"] in PAID_EITHER_WAY:
            bases = set(said[said["import_id"] == source["id"]]["cost_basis"])
            payer = "plan" if bases == {"included"} else "API key" if "included" not in bases else "both"
            if st.button(f"Paid by: {payer}", icon=":material/payments:", key="paid-by"):
                ask_who_pays(source, is_plan=payer == "plan")
        if st.button("Delete", icon=":material/delete:", disabled=source is None, key="delete") and source:
            confirm_deletion(source)
        if source is None:
            st.caption("Select a source to switch it off, or to delete it.")
        elif is_off:
            st.caption("It is as if it had never been there.")


def _switch(user: User, source: Mapping[str, Any], counts: bool) -> None:
    try:
        with st.spinner("Counting anew…"):
            database_of(user).update("imports", source["id"], {"counts": counts})
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce(f"{describe_source(source)} {'counts again' if counts else 'is switched off'}.")
    st.rerun()
