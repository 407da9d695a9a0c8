"""Which bill an estimate belongs to: records of one page of a ledger are about the same usage.

The database settles a page: see database/migrations/010_reconciliation.sql.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import TypeAlias

from tally.core.records import NO_MODEL, CostRecord

LedgerDay: TypeAlias = tuple[str, str]  # the account at a provider, the UTC day as 2026-11-02


def ledger_day(record: CostRecord) -> LedgerDay | None:
    """The page of an account's ledger that a record stands on; None for records of no such account."""
    account = record.metadata.get("ledger")
    if not isinstance(account, str):
        return None
    return account, str(record.metadata.get("day") or record.timestamp.astimezone(UTC).date())


def preview_settlement(records: Sequence[CostRecord]) -> list[CostRecord]:
    """Records of one file as they will count: an estimate of what the file's own bill says costs nothing."""
    billed = {(ledger_day(record), record.model_name) for record in records if record.cost_basis == "billed"}
    return [
        replace(record, cost_usd=Decimal(0))
        if record.cost_basis == "estimated"
        and (page := ledger_day(record)) is not None
        and not billed.isdisjoint({(page, record.model_name), (page, NO_MODEL)})
        else record
        for record in records
    ]
