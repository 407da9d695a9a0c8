"""Audit log: changes to provider keys and repriced records; never a key itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.money import format_usd
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.tables import render_table
from tally.core.text import plural

# Values of the `actor` column.
ACCOUNT, OPERATOR = "person", "operator"
VERDICTS = {
    "valid": "accepted by the provider",
    "invalid": "rejected by the provider",
    "pending": "queued for another check",
}


def describe_event(entry: Mapping[str, Any], providers: Mapping[str, str]) -> str:
    """One entry of the log as a sentence."""
    details = entry["metadata"]
    if entry["action"] == "reprice":
        before, after = (format_usd(Decimal(details[name])) for name in ("before_usd", "after_usd"))
        return f"Repriced {plural(details['records'], 'record')}: {before} before, {after} after"
    provider = providers.get(details["provider"], details["provider"] or "a provider")
    changes = " and ".join(_list_changes(entry)) or "changed"
    return f"{provider} key “{details['credential_name']}” {changes}"


def _list_changes(entry: Mapping[str, Any]) -> list[str]:
    if entry["action"] != "update":
        return [{"insert": "added", "delete": "deleted"}[entry["action"]]]
    details, changed = entry["metadata"], entry["changed_columns"]
    labels = {
        "encrypted_api_key": "re-encrypted" if entry["actor"] == OPERATOR else "replaced",
        "is_active": "resumed" if details["is_active"] else "paused",
        "validation_status": VERDICTS[details["validation_status"]],
        "credential_name": "renamed",
    }
    return [label for column, label in labels.items() if column in changed]


def describe_actor(entry: Mapping[str, Any]) -> str:
    """The author of a change. The operator is the nightly run, unless only a command makes the change."""
    if entry["actor"] == ACCOUNT:
        return "You"
    if entry["actor"] != OPERATOR:
        return "The server"
    if entry["action"] == "reprice":
        return "tally reprice"
    return "tally keys" if "encrypted_api_key" in entry["changed_columns"] else "The nightly run"


def describe_log(entries: Sequence[Mapping[str, Any]], providers: Mapping[str, str]) -> pd.DataFrame:
    """The log as a table; `providers` is slug -> name."""
    lines = [
        {
            "when": datetime.fromisoformat(entry["created_at"]),
            "event": describe_event(entry, providers),
            "actor": describe_actor(entry),
        }
        for entry in entries
    ]
    return pd.DataFrame(lines, dtype=object)


def render_audit_log(user: User, zone: ZoneInfo) -> None:
    """The newest entries."""
    entries = data.load_audit_log(user)
    with st.container(border=True):
        is_cut = len(entries) == data.AUDIT_SHOWN
        render_heading("Audit log", f"Latest {data.AUDIT_SHOWN}" if is_cut else "")
        if not entries:
            st.caption("No entries yet. Changes to provider keys and repriced records are listed here.")
            return
        providers = {provider.slug: provider.name for provider in data.load_providers(user)}
        kinds = {
            "when": columns.instant("When", zone),
            "event": columns.text("Event"),
            "actor": columns.text("By"),
        }
        render_table(describe_log(entries, providers), kinds, "Changes to keys and prices, newest first")
