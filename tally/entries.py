"""What a person types in: single charges, and subscriptions that renew by themselves."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from tally.api import Api, ApiError, Row
from tally.records import JSON, ChargeType, CostRecord, InvalidRecord, day_instant
from tally.store import save_records

Interval = Literal["month", "year"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A plan that is paid on its renewal day, in the month's last days where the month is shorter."""

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


def add_entry(
    api: Api,
    entry_id: UUID,
    *,
    provider: str,
    day: date,
    timezone: str,
    model_name: str,
    cost_usd: Decimal,
    charge_type: ChargeType = "usage",
    input_tokens: int = 0,
    output_tokens: int = 0,
    request_count: int = 0,
    note: str = "",
) -> None:
    """Save one charge; the same entry_id twice (a double click) saves it once. Raises ApiError."""
    metadata: dict[str, JSON] = {"day": day.isoformat()}
    if note:
        metadata["note"] = note
    try:
        record = CostRecord(
            provider=provider,
            timestamp=day_instant(day, timezone),
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=entry_id,
            charge_type=charge_type,
            collection_method="manual_entry",
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            request_count=request_count,
            metadata=metadata,
        )
    except InvalidRecord as error:
        raise ApiError(f"This entry cannot be saved: {error}.") from None
    saved = save_records(api, [record])
    if saved.rejected:
        raise ApiError(saved.rejected[0][1])


def add_subscription(api: Api, subscription: Subscription, metadata: Row | None = None) -> str:
    """Save a subscription; the database writes its renewals up to today. Returns its id."""
    return str(api.insert("subscriptions", subscription.to_json() | {"metadata": metadata or {}})["id"])


def update_subscription(api: Api, subscription_id: str, subscription: Subscription) -> None:
    """Change a subscription; its renewals follow, the past ones included."""
    api.update("subscriptions", subscription_id, subscription.to_json())


def delete_subscription(api: Api, subscription_id: str) -> None:
    """Delete a subscription with its renewals."""
    api.delete("subscriptions", subscription_id)


def list_subscriptions(api: Api) -> list[Row]:
    """The person's subscriptions, oldest first."""
    return api.select("subscriptions", "*", ["started_on", "id"])
