"""Subscriptions."""

from typing import Any

from app.auth.identity import User
from app.data.reading import fetch_rows, select

SUBSCRIPTION_COLUMNS = (
    "id,user_id,provider_id,plan_name,amount_usd::text,started_on,ended_on,renewal_day,interval,metadata"
)


def load_subscriptions(user: User) -> list[dict[str, Any]]:
    """All subscriptions, newest start first; amounts as text."""
    subscriptions = select(user, "subscriptions", SUBSCRIPTION_COLUMNS)
    return fetch_rows(subscriptions.order("started_on", desc=True).order("id"))
