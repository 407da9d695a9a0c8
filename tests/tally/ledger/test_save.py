"""Saving in calls that the database finishes in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tally.core.records import CostRecord, day_instant, identity
from tally.ledger.save import replace_window, save_records
from tally.storage.database import Query, Row, Scope

FIRST = date(2026, 11, 1)


@dataclass
class RecordingDatabase:
    """A database that keeps every call, and refuses the last record of each save."""

    workers: int = 1
    scope: Scope = field(default_factory=lambda: Scope("me", "mine"))
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def in_workspace(self, workspace_id: UUID | str) -> "RecordingDatabase":
        raise AssertionError(workspace_id)

    def call(self, function: str, **params: Any) -> Any:
        self.calls.append((function, params))
        last = len(params.get("records", {}).get("source_key", ())) - 1
        rejected = [{"index": last, "reason": f"refused {last}"}]
        return {"inserted": last, "duplicate": 0, "restated": 0, "rejected": rejected}

    def saves(self, column: str = "source_key") -> list[Sequence[Any]]:
        """A column of the records of each save."""
        return [
            params["records"][column] for function, params in self.calls if function == "save_cost_records"
        ]

    def insert(self, table: str, row: Row) -> Row:
        raise AssertionError(table, row)

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        raise AssertionError(table, row_id, values, key)

    def delete(self, table: str, row_id: str) -> None:
        raise AssertionError(table, row_id)

    def select(self, query: Query) -> list[Row]:
        assert query.table in ("model_prices", "price_multipliers", "model_aliases"), query
        return []  # the workspace says nothing about prices


def bill(day: date, number: int) -> CostRecord:
    return CostRecord(
        "openai",
        day_instant(day, "UTC"),
        "m",
        Decimal(1),
        identity(day, number),
        day=day,
        billing_account="openai",
        dataset="openai_api_costs",
    )


def test_window_is_saved_day_by_day_and_cleared_once() -> None:
    days = [FIRST + timedelta(days=nth) for nth in range(30)]
    records = [bill(day, number) for number in range(3) for day in reversed(days)]
    database = RecordingDatabase()
    saved = replace_window(database, "source", "openai_api_costs", (days[0], days[-1]), records)
    assert [set(sent) for sent in database.saves("day")] == [{day.isoformat()} for day in days]
    assert (saved.inserted, len(saved.rejected)) == (60, 30)
    function, params = database.calls[-1]
    assert function == "delete_missing"
    assert (params["first_day"], params["last_day"]) == ("2026-11-01", "2026-11-30")
    assert set(params["keys"]) == {str(record.source_key) for record in records}
    assert len(database.calls) == 31


@pytest.mark.parametrize("save_window", [True, False])
def test_large_days_are_split(monkeypatch: pytest.MonkeyPatch, save_window: bool) -> None:
    monkeypatch.setattr("tally.ledger.save.BATCH", 4)
    records = [bill(FIRST, number) for number in range(10)]
    database = RecordingDatabase()
    if save_window:
        saved = replace_window(database, "source", "openai_api_costs", (FIRST, FIRST), records)
    else:
        saved = save_records(database, [replace(record, day=None) for record in records])
    assert [len(rows) for rows in database.saves()] == [4, 4, 2]
    assert [index for index, _ in saved.rejected] == [3, 7, 9]
