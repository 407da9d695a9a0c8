"""Billing accounts: records of one account and UTC day are about the same usage.

The database resolves their overlaps: see database/migrations/015_overlaps.sql.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from tally.core.records import NO_MODEL, CostRecord

AccountDay: TypeAlias = tuple[str, date]  # the billing account, the UTC day


def account_day(record: CostRecord) -> AccountDay | None:
    """Billing account and UTC day of a record; None without a billing account."""
    if record.billing_account is None:
        return None
    return record.billing_account, record.day or record.timestamp.date()


def preview_overlaps(records: Sequence[CostRecord]) -> list[CostRecord]:
    """Records of one file at their effective costs: zero for estimates that a bill in the file covers."""
    billed = {(account_day(record), record.model_name) for record in records if record.cost_basis == "billed"}

    def is_billed(record: CostRecord) -> bool:
        day = account_day(record)
        return day is not None and not billed.isdisjoint({(day, record.model_name), (day, NO_MODEL)})

    return [
        replace(record, cost_usd=Decimal(0))
        if record.cost_basis == "estimated" and is_billed(record)
        else record
        for record in records
    ]
