"""What happened to the person's keys and prices, in words; never a key itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.dates import format_instant
from app.formats.money import format_usd
from app.ui.cards import render_heading
from tally.core.text import plural

PERSON, OPERATOR = "person", "operator"
VERDICTS = {
    "valid": "accepted by the provider",
    "invalid": "refused by the provider",
    "pending": "to be checked again",
}
COLUMN = st.column_config
COLUMNS = {name: COLUMN.TextColumn(name) for name in ("When", "What", "By")}


def describe_event(entry: Mapping[str, Any], providers: Mapping[str, str]) -> str:
    """What happened, in a few words."""
    said = entry["metadata"]
    if entry["action"] == "reprice":
        before, after = (format_usd(Decimal(said[name])) for name in ("before_usd", "after_usd"))
        return f"{plural(said['records'], 'record')} priced anew: {before} before, {after} after"
    provider = providers.get(said["provider"], said["provider"] or "a provider")
    happened = " and ".join(_list_happenings(entry)) or "changed"
    return f"Key of {provider} “{said['credential_name']}” {happened}"


def _list_happenings(entry: Mapping[str, Any]) -> list[str]:
    if entry["action"] != "update":
        return [{"insert": "added", "delete": "deleted"}[entry["action"]]]
    said, changed = entry["metadata"], entry["changed_columns"]
    words = {
        "encrypted_api_key": "re-sealed" if entry["actor"] == OPERATOR else "replaced",
        "is_active": "resumed" if said["is_active"] else "paused",
        "validation_status": VERDICTS[said["validation_status"]],
        "credential_name": "renamed",
    }
    return [words[column] for column in words if column in changed]


def describe_actor(entry: Mapping[str, Any]) -> str:
    """By whom: what an operator does is the nightly job's, but for what only a command does."""
    if entry["actor"] == PERSON:
        return "You"
    if entry["actor"] != OPERATOR:
        return "The server"
    if entry["action"] == "reprice":
        return "tally reprice"
    return "tally keys" if "encrypted_api_key" in entry["changed_columns"] else "The nightly job"


def describe_log(
    entries: Sequence[Mapping[str, Any]], providers: Mapping[str, str], zone: ZoneInfo
) -> pd.DataFrame:
    """A line for each entry; `providers` is slug -> name."""
    lines = [
        {
            "When": format_instant(datetime.fromisoformat(entry["created_at"]), zone),
            "What": describe_event(entry, providers),
            "By": describe_actor(entry),
        }
        for entry in entries
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def render_audit_log(user: User, zone: ZoneInfo) -> None:
    """The newest entries."""
    entries = data.load_audit_log(user)
    with st.container(border=True):
        is_cut = len(entries) == data.AUDIT_SHOWN
        render_heading("Audit log", f"The newest {data.AUDIT_SHOWN}" if is_cut else "")
        if not entries:
            st.caption(
                "Nothing yet. Changes of provider keys, and records that were priced anew, are noted here."
            )
            return
        providers = {provider.slug: provider.name for provider in data.load_providers(user)}
        st.dataframe(
            describe_log(entries, providers, zone),
            hide_index=True,
            height="content" if len(entries) <= 12 else 460,
            column_config=COLUMNS,
            alt="What happened to keys and prices, newest first",
        )
