"""Changing whether a plan or an API key pays for a source's usage; only the latter has a multiplier."""

from datetime import date

from tally.core.records import CostRecord
from tally.pricing.estimate import MULTIPLIER
from tally.pricing.reprice import apply_prices
from tally.pricing.workspace_prices import load_workspace_prices
from tally.storage.database import Database

FIRST_DAY = date(2020, 1, 1)


def set_paid_by_plan(database: Database, import_id: str, is_plan: bool) -> int:
    """Move a source's usage between plan and API key; returns how many records that was. Safe to repeat."""
    moved = int(database.call("set_paid_by_plan", import_id=import_id, is_plan=is_plan))
    multipliers = load_workspace_prices(database).multipliers

    def concerns(record: CostRecord) -> bool:
        return (multipliers.find(record) is not None) != (MULTIPLIER in record.metadata)

    if multipliers:
        apply_prices(database, FIRST_DAY, concerns=concerns)
    return moved
