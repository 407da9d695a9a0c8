"""Records as a person reads them: local time, names, and `no price` where there is none."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.figures.currencies import Currency
from app.formats.dates import format_instant
from app.formats.money import NO_PRICE, format_money

SOURCES = {
    "csv_import": "CSV import",
    "manual_entry": "Added by hand",
    "api_automated": "Provider API",
    "local_log": "Local log",
    "otlp": "OpenTelemetry",
}
BASES = {"billed": "Billed", "estimated": "Estimated", "included": "Included"}
CHARGES = {
    "usage": "Usage",
    "subscription": "Subscription",
    "credit": "Credit",
    "tax": "Tax",
    "adjustment": "Adjustment",
}
COLUMN = st.column_config
COLUMNS = {
    "when": COLUMN.TextColumn("When"),
    "cost": COLUMN.TextColumn("Cost", alignment="right"),
    "model": COLUMN.TextColumn("Model"),
    "provider": COLUMN.TextColumn("Provider"),
    "basis": COLUMN.TextColumn(
        "Basis", help="Included: covered by a subscription. It is worth, not money spent."
    ),
    "charge": COLUMN.TextColumn("Charge"),
    "source": COLUMN.TextColumn("Source"),
    "input_tokens": COLUMN.NumberColumn("Input", format="compact", help="Input tokens, cached ones included"),
    "output_tokens": COLUMN.NumberColumn(
        "Output", format="compact", help="Output tokens, reasoning included"
    ),
    "requests": COLUMN.NumberColumn("Requests", format="localized"),
    "note": COLUMN.TextColumn("Note"),
}


def describe_records(
    rows: list[dict[str, Any]], providers: Mapping[str, str], zone: ZoneInfo, currency: Currency
) -> pd.DataFrame:
    """Rows of `load_records_page` -> one line a record; `providers` is id -> name."""
    lines = [
        {
            "when": describe_moment(row, zone),
            "provider": providers.get(row["provider_id"], ""),
            "model": row["model_name"],
            "cost": describe_cost(row, zone, currency),
            "basis": BASES[row["cost_basis"]],
            "charge": CHARGES[row["charge_type"]],
            "source": SOURCES[row["collection_method"]],
            "input_tokens": row["input_tokens"],
            "output_tokens": row["output_tokens"],
            "requests": row["request_count"],
            "note": str(row["metadata"].get("note", "")),
        }
        for row in rows
    ]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    return frame if (frame["note"] != "").any() else frame.drop(columns="note")


def describe_cost(row: Mapping[str, Any], zone: ZoneInfo, currency: Currency) -> str:
    """What a record cost, at the rate of its day."""
    if row["cost_usd"] is None:
        return NO_PRICE
    return format_money(currency.convert(Decimal(row["cost_usd"]), local_day(row, zone)), currency.code)


def describe_moment(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The local time of a record; only the day where the record is about a whole day."""
    day = row["metadata"].get("day")
    return str(day) if day else format_instant(datetime.fromisoformat(row["timestamp"]), zone)


def local_day(row: Mapping[str, Any], zone: ZoneInfo) -> date:
    """The person's day that a record counts for."""
    return date.fromisoformat(describe_moment(row, zone)[:10])


def why_fixed(row: Mapping[str, Any]) -> str | None:
    """Why a record cannot be changed by hand, or None where it can."""
    if row["metadata"].get("subscription_id"):
        return "A subscription made this entry. Change it under Subscriptions."
    if row["collection_method"] != "manual_entry":
        return "Only entries added by hand can be changed. Imported ones go when their import is undone."
    return None
