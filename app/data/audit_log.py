"""The audit log of provider keys and prices."""

from typing import Any

from app.auth.identity import User, supabase_client
from app.data.reading import as_rows, ask

AUDIT_SHOWN = 50


def load_audit_log(user: User) -> list[dict[str, Any]]:
    """The newest entries, newest first."""
    table = supabase_client(user).table("audit_logs")
    newest = table.select("created_at,actor,action,changed_columns,metadata").order("created_at", desc=True)
    return as_rows(ask(lambda: newest.order("id").limit(AUDIT_SHOWN).execute().data))
