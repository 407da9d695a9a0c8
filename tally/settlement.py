"""Counting money once: on days that a provider's bill covers, the bill supplies the money, estimates none."""

from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import TypeAlias

from tally.records import CostRecord

LedgerDay: TypeAlias = tuple[str, str]  # the account at a provider, the UTC day as 2026-11-02


def ledger_day(record: CostRecord) -> LedgerDay | None:
    """The page of an account's ledger that a record stands on; None for records of no such account."""
    account = record.metadata.get("ledger")
    if not isinstance(account, str):
        return None
    return account, str(record.metadata.get("day") or record.timestamp.astimezone(UTC).date())


def billed_days(records: Iterable[CostRecord]) -> set[LedgerDay]:
    """The days on which these records are a bill."""
    days = (ledger_day(record) for record in records if record.cost_basis == "billed")
    return {day for day in days if day is not None}


def settle(records: Iterable[CostRecord], billed: Set[LedgerDay]) -> list[CostRecord]:
    """The same records without money in the estimates of billed days; tokens and estimate stay."""
    return [_settle_one(record) if _is_covered(record, billed) else record for record in records]


def _is_covered(record: CostRecord, billed: Set[LedgerDay]) -> bool:
    return record.cost_basis == "estimated" and ledger_day(record) in billed


def _settle_one(record: CostRecord) -> CostRecord:
    estimate = None if record.cost_usd is None else format(record.cost_usd, "f")
    return replace(record, cost_usd=Decimal(0), metadata={"estimate_usd": estimate, **record.metadata})
