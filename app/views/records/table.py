"""The table of records: local time, names instead of ids, and "no price" for unpriced records."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from app import data
from app.figures.currencies import Currency
from app.formats.counts import format_count
from app.formats.dates import format_day, format_instant
from app.formats.money import NO_PRICE, format_money
from app.formats.text import escape_markdown
from app.parts.record_labels import BASES, CHARGES, IN_TOTALS, SOURCES, describe_use
from app.ui import columns
from app.ui.columns import Column
from tally.core.text import plural
from tally.pricing.estimate import LIST_USD
from tally.pricing.model_aliases import MODEL_ALIAS


def list_columns(zone: ZoneInfo, currency: str) -> dict[str, Column]:
    """The columns of the table of records."""
    return {
        "model": columns.fitting_text("Model"),
        "cost": columns.money("Cost", currency),
        "when": columns.instant("When", zone),
        "provider": columns.text("Provider"),
        "basis": columns.text("Basis", "Included: covered by a subscription, so not added to spend."),
        "charge": columns.fitting_text("Charge"),
        "source": columns.text("Source"),
        "input_tokens": columns.tokens("Input", "Input tokens, including cached"),
        "output_tokens": columns.tokens("Output", "Output tokens, including reasoning"),
        "requests": columns.requests(),
        "in_totals": IN_TOTALS,
        "list_price": columns.optional_money("List price", currency, "Before the multiplier of its account"),
        "named": columns.fitting_text("Own name", "Before the workspace said which model it is"),
        "note": columns.text("Note"),
    }


def describe_records(
    rows: list[dict[str, Any]], providers: Mapping[str, str], zone: ZoneInfo, currency: Currency
) -> pd.DataFrame:
    """The rows of `load_records_page` as a table; `providers` is id -> name.

    Figures are those that the source reported. `in_totals` is left out where totals use all of them.
    """
    lines = [
        {
            "when": _read_moment(row),
            "cost": _convert_cost(row, zone, currency),
            "model": row["model_name"],
            "provider": providers.get(row["provider_id"], ""),
            "basis": BASES[row["cost_basis"]],
            "charge": CHARGES[row["charge_type"]],
            "source": SOURCES[row["collection_method"]],
            "input_tokens": _or_unknown(row, "input_tokens"),
            "output_tokens": _or_unknown(row, "output_tokens"),
            "requests": row["request_count"],
            "in_totals": _describe_use(row),
            "list_price": _or_absent(_read_list_price(row, zone, currency)),
            "named": str(row["metadata"].get(MODEL_ALIAS, "")),
            "note": str(row["metadata"].get("note", "")),
        }
        for row in rows
    ]
    frame = pd.DataFrame(lines, dtype=object)
    unused = [name for name in ("note", "named", "list_price") if not (frame[name] != "").any()]
    if all(row["money_is_effective"] and row["tokens_are_effective"] for row in rows):
        unused.append("in_totals")
    return frame.drop(columns=unused)


def describe_sums(sums: data.RecordSums, currency: Currency) -> str:
    """Sums of the matching records, as far as they count, as Markdown."""
    spend, included = sums.convert(currency)
    parts = [
        plural(sums.records, "record"),
        f"**{escape_markdown(format_money(spend, currency.code))}** spend",
    ]
    if included:
        parts.append(f"{escape_markdown(format_money(included, currency.code))} of use that plans include")
    if sums.tokens:  # without any, none are known
        parts.append(f"{format_count(sums.tokens)} tokens")
    if sums.unpriced:
        parts.append(f"{plural(sums.unpriced, 'record')} without a price")
    return " · ".join(parts)


def _or_absent(amount: Decimal | None) -> Decimal | str:
    return columns.ABSENT if amount is None else amount


def _or_unknown(row: Mapping[str, Any], name: str) -> int | str:
    """Tokens of a record; absent where its source tells none at all. A failed request has used none."""
    is_known = row["input_tokens"] or row["output_tokens"] or _has_failed(row)
    return int(row[name]) if is_known else columns.ABSENT


def _has_failed(row: Mapping[str, Any]) -> bool:
    """Check whether a record is of a request that failed without tokens."""
    inference = row["metadata"].get("inference")
    status = inference.get("status") if isinstance(inference, dict) else None
    return status in ("error", "timeout", "rate_limited") and row["tokens_used"] == 0


def _describe_use(row: Mapping[str, Any]) -> str:
    has_money = row["money_is_effective"] and (row["cost_usd"] is None or Decimal(row["cost_usd"]) != 0)
    has_tokens = row["tokens_are_effective"] and row["tokens_used"] + row["request_count"] > 0
    return describe_use(has_money, has_tokens)


def describe_cost(row: Mapping[str, Any], zone: ZoneInfo, currency: Currency) -> str:
    """The cost of a record as text."""
    cost = _convert_cost(row, zone, currency)
    return NO_PRICE if cost is None else format_money(cost, currency.code)


def describe_moment(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The local time of a record, or its day where it covers a whole day."""
    moment = _read_moment(row)
    return format_instant(moment, zone) if isinstance(moment, datetime) else format_day(moment)


def local_day(row: Mapping[str, Any], zone: ZoneInfo) -> date:
    """The account's day to which a record belongs."""
    moment = _read_moment(row)
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def _read_moment(row: Mapping[str, Any]) -> date:
    """A datetime, or a date where the record covers a whole day."""
    return date.fromisoformat(row["day"]) if row["day"] else datetime.fromisoformat(row["timestamp"])


def _convert_cost(row: Mapping[str, Any], zone: ZoneInfo, currency: Currency) -> Decimal | None:
    """The cost in the chosen currency at the exchange rate of its day."""
    if row["cost_usd"] is None:
        return Decimal(0) if _has_failed(row) else None  # a failed request costs nothing
    return currency.convert(Decimal(row["cost_usd"]), local_day(row, zone))


def _read_list_price(row: Mapping[str, Any], zone: ZoneInfo, currency: Currency) -> Decimal | None:
    """The list price of a record that its account's multiplier changed, in the chosen currency."""
    list_usd = row["metadata"].get(LIST_USD)
    try:
        price = Decimal(list_usd) if isinstance(list_usd, str) else None
    except InvalidOperation:
        return None
    return currency.convert(price, local_day(row, zone)) if price is not None and price.is_finite() else None


def explain_record(row: Mapping[str, Any] | None) -> str | None:
    """The reason why the selected record cannot be edited, or None if it can."""
    if row is None:
        return "Select a manual entry to edit or delete it."
    if row["subscription_id"]:
        return "This entry belongs to a subscription. Change it under Subscriptions."
    if row["collection_method"] != "manual_entry":
        return "Only manual entries can be edited. To remove imported records, undo their import."
    return None
