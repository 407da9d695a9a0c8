"""The list of sources, with buttons to exclude, include and delete them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.figures.source_names import describe_format, describe_source, shown_name
from app.figures.spend import INCLUDED
from app.formats.dates import format_day, format_span
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.parts.permissions import explain_fixed
from app.parts.record_labels import SOURCES
from app.parts.source_dialogs import PATIENCE, confirm_deletion, edit_payment
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.columns import Column
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import announce, explain_refusal, render_warning
from app.ui.periods import PRESET_LABELS, Period
from app.ui.tables import render_table
from tally.agents.payment import WITH_PLAN
from tally.core.text import plural

QUIET_DAYS = 3  # machines, services and connections without new data for this long are reported
SHOWN_QUIET = 5
MOST_LINES = 100  # each is an element of the page, on phones or not
BASES = ("billed", "estimated", "included")

Source = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """The figures to show: their period, time zone and currency, and the Overview's spend if it is alike."""

    period: Period
    zone: ZoneInfo
    currency: str
    overview: Decimal | None


def list_columns(zone: ZoneInfo, currency: str) -> dict[str, Column]:
    """The columns of the table of sources."""
    return {
        "source": columns.name("Source", most_width=180),
        "spend": columns.money("In spend", currency, "The part that the totals use."),
        "format": columns.text("Type"),
        "in_totals": columns.text("In totals"),
        "records": columns.count("Records"),
        "billed": columns.money("Billed", currency),
        "estimated": columns.money("Estimated", currency),
        "included": columns.money("Value", currency, "At list prices; covered by a plan and not in spend."),
        "unpriced": columns.count("No price"),
        "last_import": columns.instant("Last import", zone),
        "newest_day": columns.day("Newest day"),
    }


def select_period(days: pd.DataFrame, period: Period, now: datetime) -> pd.DataFrame:
    """The UTC days of a period; one that lasts until today has what came until now."""
    first = period.first or date.min
    last = max(period.last, now.astimezone(UTC).date()) if period.last == now.date() else period.last
    return days[[first <= day <= last for day in days["day"]]]


def describe_sources(sources: Sequence[Source], days: pd.DataFrame, in_period: pd.DataFrame) -> pd.DataFrame:
    """Sources as a table, without unused columns; `in_period` are those of all `days` that are counted."""
    counted, newest = dict(iter(in_period.groupby("import_id"))), days.groupby("import_id")["day"].max()
    lines = [
        _describe(source) | _sum_days(counted.get(source["id"])) | {"newest_day": newest.get(source["id"])}
        for source in sources
    ]
    unsourced, by_kind = days[days["import_id"].isna()], in_period[in_period["import_id"].isna()]
    counted, newest = (
        {str(kind): rows for kind, rows in by_kind.groupby("kind")},
        unsourced.groupby("kind")["day"].max(),
    )
    lines += [
        _describe_unsourced(str(kind)) | _sum_days(counted.get(str(kind))) | {"newest_day": day}
        for kind, day in newest.items()
    ]
    frame = pd.DataFrame(lines, dtype=object)
    return frame.drop(columns=[name for name in (*BASES, "unpriced") if frame[name].isna().all()])


def _describe(source: Source) -> dict[str, Any]:
    return {
        "source": shown_name(source["filename"]) if source["kind"] != "key" else describe_source(source),
        "format": describe_format(source),
        "in_totals": "Yes" if source["is_enabled"] else "Excluded",
        "last_import": last_import(source),
    }


def _describe_unsourced(kind: str) -> dict[str, Any]:
    """Records without a source: subscriptions, and what was entered by hand."""
    names = {"subscription": "Subscriptions", "manual_entry": "Entered by hand"}
    return {
        "source": names.get(kind, SOURCES.get(kind, kind)),
        "format": "",
        "in_totals": "Yes",
        "last_import": None,
    }


def _sum_days(days: pd.DataFrame | None) -> dict[str, Any]:
    line: dict[str, Any] = dict.fromkeys((*BASES, "unpriced", "spend"))
    if days is None:
        return line | {"records": 0}
    for basis in BASES:
        line[basis] = _sum_known(days[days["cost_basis"] == basis]["cost_usd"])
    return line | {
        "spend": sum_spend(days),
        "records": int(days["records"].sum()),
        "unpriced": int(days["unpriced_records"].sum()) or None,
    }


def sum_spend(days: pd.DataFrame) -> Decimal | None:
    """The part of the days that is in the totals as spend; None without any."""
    return _sum_known(days[days["cost_basis"] != INCLUDED]["effective_usd"])


def _sum_known(amounts: "pd.Series[Any]") -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def last_import(source: Source) -> datetime:
    """The time at which a source last added data."""
    return datetime.fromisoformat(source["finished_at"] or source["created_at"])


def describe_lines(frame: pd.DataFrame, shown: Shown) -> list[Line]:
    """The rows of the table for narrow pages."""
    lines = []
    for row in frame.to_dict("records"):
        money = [
            f"{format_money(row[column], shown.currency)} {what}"
            for column, what in (("spend", "in spend"), ("included", "value"))
            if isinstance(row.get(column), Decimal)
        ]
        details = [
            *money,
            plural(row["records"], "record"),
            f"newest {format_day(row['newest_day'])}" if isinstance(row["newest_day"], date) else "",
            row["format"],
            "" if row["in_totals"] == "Yes" else "excluded from totals",
        ]
        lines.append(Line(row["source"], " · ".join(part for part in details if part)))
    return lines


def list_quiet(sources: Sequence[Source], now: datetime) -> list[str]:
    """Sentences about machines, services and connections without new data for days."""
    quiet = []
    for source in sources:
        days = (now - last_import(source)).days
        if source["kind"] != "file" and source["is_enabled"] and days >= QUIET_DAYS:
            quiet.append(f"{describe_source(source)}: no new data for {plural(days, 'day')}.")
    return quiet


def describe_spend(spent: Decimal, overview: Decimal | None, currency: str) -> str:
    """The sum of all sources beside that of the Overview, whose days are those of the account's time zone.

    Without the latter, nothing is said of it: it does not choose among billing accounts.
    """
    told = f"Together {format_money(spent, currency)} of spend"
    if overview is None:
        return f"{told}."
    shown = format_money(overview, currency)
    if shown == format_money(spent, currency):
        return f"{told}, as on the Overview."
    return f"{told} on UTC days; on those of your time zone, as on the Overview, it is {shown}."


def _name_days(period: Period) -> str:
    return format_span(period.first, period.last) if period.first else PRESET_LABELS["All"]


def render_sources(user: User, sources: Sequence[Source], days: pd.DataFrame, shown: Shown) -> None:
    """The list with the figures of a period, and buttons for the selected source; `days` are all."""
    in_period = select_period(days, shown.period, datetime.now(shown.zone))
    with st.container(border=True):
        render_heading("Your sources", f"{plural(len(sources), 'source')}, {_name_days(shown.period)}")
        if quiet := list_quiet(sources, datetime.now(shown.zone)):
            render_warning(" ".join(quiet[:SHOWN_QUIET]))
        key = f"sources-{sources[0]['id'] if sources else 'none'}-{len(sources)}"
        position = selected_line(key, len(sources))
        reason = explain_fixed(user, None if position is None else _find_owner(sources[position]))
        if position is None or reason:
            _render_disabled_actions(reason or "Select a source to exclude or delete it.")
        else:
            _render_actions(user, sources[position], days)
        frame = describe_sources(sources, days, in_period)
        kinds = list_columns(shown.zone, shown.currency)
        if len(frame) > MOST_LINES:
            render_table(frame, kinds, "Your sources", key=key)
        else:
            render_choices(frame, kinds, "Your sources", key, describe_lines(frame, shown))
        if spent := sum_spend(in_period):
            st.caption(escape_markdown(describe_spend(spent, shown.overview, shown.currency)))


def _find_owner(source: Source) -> str:
    """The user who may change a source besides admins; nobody that of a connection."""
    return "" if source["kind"] == "connection" else str(source["user_id"])


def _render_disabled_actions(reason: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Exclude from totals", icon=":material/toggle_off:", disabled=True, key="switch")
        st.button("Delete source", icon=":material/delete:", disabled=True, key="delete")
        st.caption(reason)


def _render_actions(user: User, source: Source, days: pd.DataFrame) -> None:
    is_enabled = source["is_enabled"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label, icon = (
            ("Exclude from totals", "toggle_off") if is_enabled else ("Include in totals", "toggle_on")
        )
        if st.button(label, icon=f":material/{icon}:", key="switch"):
            _set_enabled(user, source, not is_enabled)
        if source["kind"] in ("machine", "key") and source["format"] not in WITH_PLAN:
            _render_payment(source, days)
        if st.button("Delete source", icon=":material/delete:", key="delete"):
            confirm_deletion(source)
        if not is_enabled:
            st.caption("Excluded from all totals.")


def _render_payment(source: Source, days: pd.DataFrame) -> None:
    bases = set(days[days["import_id"] == source["id"]]["cost_basis"])
    payer = "plan" if bases == {"included"} else "API key" if "included" not in bases else "both"
    if st.button(f"Paid by: {payer}", icon=":material/payments:", key="paid-by"):
        edit_payment(source, is_plan=payer == "plan")


@explain_refusal
def _set_enabled(user: User, source: Source, is_enabled: bool) -> None:
    with st.spinner(f"Recalculating… {PATIENCE}"):
        database_of(user).call("set_source_enabled", import_id=source["id"], is_enabled=is_enabled)
    data.forget_version(user)
    effect = "is included in totals again" if is_enabled else "is excluded from all totals"
    announce(f"{describe_source(source)} {effect}.")
    st.rerun()
