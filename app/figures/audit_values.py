"""Values of audit entries as a person reads them: money, days and names instead of columns and ids."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from app.formats.dates import format_day
from app.formats.money import format_usd

LABELS = {
    "amount_usd": "Amount",
    "archived_at": "Archived",
    "cached_input_usd_per_mtok": "Cached input",
    "cache_write_1h_usd_per_mtok": "Cache write, 1 hour",
    "cache_write_usd_per_mtok": "Cache write",
    "cost_usd": "Cost",
    "counts_subscriptions": "Subscriptions count",
    "counts_tax": "Tax counts",
    "credential_name": "Name",
    "input_usd_per_mtok": "Input",
    "expires_at": "Expires",
    "is_active": "Active",
    "is_enabled": "In totals",
    "is_private": "Private",
    "metadata.paid_by": "Paid by",
    "model_limits": "Limits of models",
    "model_name": "Model",
    "output_usd_per_mtok": "Output",
    "person_split": "Who sees whom",
    "plan_name": "Plan",
    "project_id": "Project",
    "provider_id": "Provider",
    "request_usd": "Request",
    "timezone": "Time zone",
    "tokens_used": "Tokens",
    "trace_days": "Days that traces are kept",
    "content_days": "Days that prompts and answers are kept",
    "content_words": "Words removed from prompts and answers",
    "user_id": "Person",
    "validation_status": "Check by the provider",
}
WORDS = {
    "person_split": {
        "own": "only their own costs",
        "admins": "project totals and their own costs",
        "everyone": "everyone's costs",
    },
    "metadata.paid_by": {"api": "API key", "plan": "plan"},
    "validation_status": {"valid": "accepted", "invalid": "rejected", "pending": "waiting"},
}
NOTHING = "none"


def label_column(column: str) -> str:
    """The name of a column."""
    plain = column.rsplit(".", 1)[-1].removesuffix("_id").removesuffix("_usd").replace("_", " ")
    return LABELS.get(column) or plain.capitalize()


def format_value(column: str, value: Any, names: Mapping[str, str]) -> str:
    """A value of a column; `names` maps ids to names."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _list_values([f"{name} {format_value(name, part, names)}" for name, part in value.items()])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _list_values([format_value(column, part, names) for part in value])
    return _format_text(column, str(value), names)


def _format_text(column: str, text: str, names: Mapping[str, str]) -> str:
    if "_usd" in column:
        with suppress(InvalidOperation):
            return format_usd(Decimal(text))
    if column.endswith("tokens") and text.isdigit():
        return f"{int(text):,}"
    if column.endswith(("_on", "_at", "_from", "_to")) or column in ("day", "timestamp"):
        with suppress(ValueError):
            return format_day(date.fromisoformat(text[:10]))
    if column.endswith("_id"):
        return names.get(text, "one that is gone")
    return WORDS.get(column, {}).get(text, text)


def _list_values(texts: Sequence[str]) -> str:
    return ", ".join(texts) or NOTHING
