"""A month leaves Postgres and comes back: totals stay the same to the last digit, whatever ends on the way."""

from uuid import UUID

import pytest

from tally.archive.leaving import Leaving
from tally.archive.storage import Storage
from tally.archive.stretch import load_archives
from tally.archive.upkeep import archive_one, restore_month
from tests.database_fixtures import Connection
from tests.tally.archive.ledgers import JANUARY, read_rows, read_totals


@pytest.mark.parametrize("upkeep", ["nothing", "fold", "refresh"])
def test_totals_stay_the_same_without_the_records_and_with_them_again(
    upkeep: str, database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    def look_after() -> None:
        if upkeep == "fold":
            assert database.execute("select public.fold_stale_days()").rowcount
        if upkeep == "refresh":
            database.execute("select public.refresh_cost_records_daily()")

    look_after()
    before, rows = read_totals(person), read_rows(database, user)

    manifest = archive_one(Leaving(database, storage, user, JANUARY))

    assert read_totals(person) == before
    look_after()
    assert read_totals(person) == before
    left = read_rows(database, user)
    assert {row["timestamp"][:7] for row in left["cost_records"]} == {"2026-02"}
    assert left["superseded_records"] == []
    assert manifest.tables["cost_records"].rows == len(rows["cost_records"]) - len(left["cost_records"])
    assert manifest.tables["superseded_records"].rows == len(rows["superseded_records"]) > 0

    restore_month(database, storage, user, JANUARY)

    assert read_totals(person) == before
    look_after()
    assert read_totals(person) == before
    assert read_rows(database, user) == rows
    assert [one.state for one in load_archives(database, user)] == ["restored"]
