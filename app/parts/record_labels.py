"""Labels for the fields of a record."""

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
