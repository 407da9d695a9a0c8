"""The audit log of provider keys and prices."""

from typing import Any

from app.auth.identity import User
from app.data.reading import fetch_rows, select

AUDIT_SHOWN = 50


def load_audit_log(user: User) -> list[dict[str, Any]]:
    """The newest entries, newest first."""
    entries = select(user, "audit_logs", "created_at,actor,action,changed_columns,metadata")
    entries = entries.or_("table_name.eq.api_credentials,action.eq.reprice")
    return fetch_rows(entries.order("created_at", desc=True).order("id").limit(AUDIT_SHOWN))
