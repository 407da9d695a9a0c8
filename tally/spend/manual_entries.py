"""What a person types in: single charges, and subscriptions that renew by themselves."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from tally.core.records import JSON, ChargeType, CostRecord, InvalidRecord, day_instant
from tally.ledger.save import save_records
from tally.storage.database import Database, DatabaseError


def add_entry(
    database: Database,
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
    """Save one charge; the same entry_id twice (a double click) saves it once. Raises DatabaseError."""
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
        raise DatabaseError(f"This entry cannot be saved: {error}.") from None
    saved = save_records(database, [record])
    if saved.rejected:
        raise DatabaseError(saved.rejected[0][1])
