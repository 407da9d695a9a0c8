"""Anomalies that the nightly run found."""

from datetime import date
from decimal import Decimal
from typing import Any

from app.auth.identity import User
from app.data.reading import API_ROWS, cached, data_version, fetch_rows, select

ANOMALY_COLUMNS = (
    "id,day,provider_id,model_name,kind,actual_usd::text,expected_usd::text,lower_95::text,upper_95::text,"
    "attribution,cause:metadata,muted_at"
)


def load_anomalies(user: User, first: date) -> list[dict[str, Any]]:
    """Anomalies from `first` on, newest first: days as dates, money as Decimal dollars."""
    return _anomalies(user, data_version(user), first)


@cached
def _anomalies(user: User, version: str, first: date) -> list[dict[str, Any]]:  # noqa: ARG001
    query = select(user, "anomalies", ANOMALY_COLUMNS).gte("day", first.isoformat())
    rows = fetch_rows(query.order("day", desc=True).order("id").limit(API_ROWS))
    amounts = ("actual_usd", "expected_usd", "lower_95", "upper_95")
    return [
        row
        | {name: row[name] and Decimal(row[name]) for name in amounts}
        | {"day": date.fromisoformat(row["day"])}
        | {"attribution": {name: Decimal(part) for name, part in row["attribution"].items()}}
        for row in rows
    ]
