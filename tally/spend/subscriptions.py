"""Subscriptions that renew on their own."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from tally.storage.database import Database, Query, Row, select_all

Interval = Literal["month", "year"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A plan that is paid on its renewal day, or on the last day of shorter months."""

    provider_id: str
    plan_name: str
    amount_usd: Decimal
    started_on: date
    renewal_day: int
    interval: Interval = "month"
    ended_on: date | None = None

    def to_json(self) -> Row:
        """The row of public.subscriptions."""
        return {
            "provider_id": self.provider_id,
            "plan_name": self.plan_name,
            "amount_usd": format(self.amount_usd, "f"),
            "started_on": self.started_on.isoformat(),
            "renewal_day": self.renewal_day,
            "interval": self.interval,
            "ended_on": self.ended_on.isoformat() if self.ended_on else None,
        }


def parse_subscription(row: Row) -> Subscription:
    """A row of public.subscriptions."""
    return Subscription(
        provider_id=row["provider_id"],
        plan_name=row["plan_name"],
        amount_usd=Decimal(row["amount_usd"]).normalize(),
        started_on=date.fromisoformat(row["started_on"]),
        renewal_day=row["renewal_day"],
        interval=row["interval"],
        ended_on=date.fromisoformat(row["ended_on"]) if row["ended_on"] else None,
    )


def add_subscription(database: Database, subscription: Subscription, metadata: Row | None = None) -> str:
    """Save a subscription and return its id; the database adds its renewals up to today."""
    return str(database.insert("subscriptions", subscription.to_json() | {"metadata": metadata or {}})["id"])


def update_subscription(database: Database, subscription_id: str, subscription: Subscription) -> None:
    """Change a subscription and its renewals, past ones included."""
    database.update("subscriptions", subscription_id, subscription.to_json())


def delete_subscription(database: Database, subscription_id: str) -> None:
    """Delete a subscription and its renewals."""
    database.delete("subscriptions", subscription_id)


def list_subscriptions(database: Database) -> list[Row]:
    """The workspace's subscriptions, oldest first."""
    return list(select_all(database, Query("subscriptions", "*", ["started_on", "id"])))


def load_subscriptions(database: Database) -> list[Subscription]:
    """The same with exact amounts."""
    columns = "id,provider_id,plan_name,amount_usd::text,started_on,renewal_day,interval,ended_on"
    rows = select_all(database, Query("subscriptions", columns, ["started_on", "id"]))
    return [parse_subscription(row) for row in rows]
