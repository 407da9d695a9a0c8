"""Labels for the fields of a record."""

from app.ui import columns

SOURCES = {
    "csv_import": "File import",
    "manual_entry": "Manual entry",
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
IN_TOTALS = columns.fitting_text("In totals", "The parts that your totals use")


def describe_use(has_money: bool, has_tokens: bool) -> str:
    """The parts of a record, or of several, that totals use."""
    parts = {"money": has_money, "tokens": has_tokens}
    return " and ".join(name for name, is_used in parts.items() if is_used) or "no"
