"""What the pages that change things read: imports, subscriptions, what preferences remember."""

from typing import Any, cast

from postgrest import CountMethod

from app.data import ask
from app.identity import User, supabase_client

IMPORTS_SHOWN = 200
IMPORT_COLUMNS = (
    "id,filename,format,status,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,created_at"
)
SUBSCRIPTION_COLUMNS = (
    "id,provider_id,plan_name,amount_usd::text,started_on,ended_on,renewal_day,interval,metadata"
)

Row = dict[str, Any]


def load_import_list(user: User) -> list[Row]:
    """The person's newest imports, newest first, without their rejected rows."""
    table = supabase_client(user).table("imports")
    newest = table.select(IMPORT_COLUMNS).order("created_at", desc=True).order("id").limit(IMPORTS_SHOWN)
    return _rows(ask(lambda: newest.execute().data))


def load_rejected(user: User, import_id: str) -> list[Row]:
    """The rejected rows that an import kept: line, reason, row."""
    table = supabase_client(user).table("imports")
    found = _rows(ask(lambda: table.select("errors").eq("id", import_id).execute().data))
    return _rows(found[0]["errors"]) if found else []


def count_import_records(user: User, import_id: str) -> int:
    """How many records an import holds now."""
    table = supabase_client(user).table("cost_records")
    query = table.select("id", count=CountMethod.exact, head=True).eq("import_id", import_id)
    return ask(lambda: query.execute().count) or 0


def load_subscriptions(user: User) -> list[Row]:
    """The person's subscriptions, newest start first; amounts as text."""
    table = supabase_client(user).table("subscriptions")
    newest = table.select(SUBSCRIPTION_COLUMNS).order("started_on", desc=True).order("id")
    return _rows(ask(lambda: newest.execute().data))


def load_preference_metadata(user: User) -> Row:
    """What is remembered beside the preferences, such as column mappings."""
    table = supabase_client(user).table("user_preferences")
    found = _rows(ask(lambda: table.select("metadata").eq("user_id", user.user_id).execute().data))
    return dict(found[0]["metadata"]) if found else {}


def _rows(answer: Any) -> list[Row]:
    return cast(list[Row], answer)
