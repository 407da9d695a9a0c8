"""Manual entries: single charges that the user types in."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from tally.core.records import ChargeType, CostRecord, InvalidRecord, day_instant
from tally.ledger.save import save_records
from tally.storage.database import Database, DatabaseError


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """One charge on a day in the account's time zone; the id makes a double click save it once."""

    entry_id: UUID
    provider: str
    day: date
    timezone: str
    model_name: str
    cost_usd: Decimal
    charge_type: ChargeType = "usage"
    input_tokens: int = 0
    output_tokens: int = 0
    request_count: int = 0
    note: str = ""

    def to_record(self) -> CostRecord:
        """The entry as a record; raises InvalidRecord."""
        return CostRecord(
            provider=self.provider,
            timestamp=day_instant(self.day, self.timezone),
            model_name=self.model_name,
            cost_usd=self.cost_usd,
            source_key=self.entry_id,
            charge_type=self.charge_type,
            collection_method="manual_entry",
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            request_count=self.request_count,
            day=self.day,
            metadata={"note": self.note} if self.note else {},
        )


def add_entry(database: Database, entry: ManualEntry) -> None:
    """Save one charge; saving an entry again adds nothing. Raises DatabaseError."""
    try:
        record = entry.to_record()
    except InvalidRecord as error:
        raise DatabaseError(f"This entry cannot be saved: {error}.") from None
    saved = save_records(database, [record])
    if saved.rejected:
        raise DatabaseError(saved.rejected[0][1])
