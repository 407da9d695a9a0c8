"""Which bill an estimate belongs to: records of one page of a ledger are about the same usage.

The database settles a page: see database/migrations/009_settlement.sql.
"""

from datetime import UTC
from typing import TypeAlias

from tally.records import CostRecord

LedgerDay: TypeAlias = tuple[str, str]  # the account at a provider, the UTC day as 2026-11-02


def ledger_day(record: CostRecord) -> LedgerDay | None:
    """The page of an account's ledger that a record stands on; None for records of no such account."""
    account = record.metadata.get("ledger")
    if not isinstance(account, str):
        return None
    return account, str(record.metadata.get("day") or record.timestamp.astimezone(UTC).date())
