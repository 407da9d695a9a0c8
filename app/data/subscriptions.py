"""Subscriptions of the user."""

from typing import Any

from app.auth.identity import User, supabase_client
from app.data.reading import as_rows, ask

SUBSCRIPTION_COLUMNS = (
    "id,provider_id,plan_name,amount_usd::text,started_on,ended_on,renewal_day,interval,metadata"
)


def load_subscriptions(user: User) -> list[dict[str, Any]]:
    """All subscriptions, newest start first; amounts as text."""
    table = supabase_client(user).table("subscriptions")
    newest = table.select(SUBSCRIPTION_COLUMNS).order("started_on", desc=True).order("id")
    return as_rows(ask(lambda: newest.execute().data))
