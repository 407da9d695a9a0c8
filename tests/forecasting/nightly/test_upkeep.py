"""Upkeep of the daily costs before the forecasts: folds, and a refresh when it is due."""

import threading
from datetime import timedelta
from typing import Any

import psycopg

from forecasting.nightly.run import DONE
from forecasting.nightly.upkeep import Upkeep
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

TOTALS = "select date, total_cost_usd from private.current_days where workspace_id = %s order by 1"


def count_of(db: NightlyDatabase, step: str) -> int | None:
    """The count of a step of the newest run."""
    [[steps]] = db.rows(
        "select steps from public.job_runs where workspace_id is null order by started_at desc limit 1"
    )
    found: dict[str, Any] = next(each for each in steps if each["step"] == step)
    count: int | None = found["count"]
    return count


def test_few_changed_days_are_folded_without_a_refresh(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 20)
    assert db.run_nightly() == DONE  # the first refresh is always due
    db.add_spend(user, [2.0] * 3)
    assert db.run_nightly() == DONE
    assert (count_of(db, "fold"), count_of(db, "refresh")) == (3, 0)
    assert [amount for _, amount in db.rows(TOTALS, user)] == [1] * 17 + [3] * 3
    assert db.count("private.overridden_days") == 3


def test_many_folded_days_are_moved_into_the_view(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 20)
    db.run_nightly()
    db.add_spend(user, [2.0] * 8)
    db.run_nightly()
    assert (count_of(db, "fold"), count_of(db, "refresh")) == (8, 8)
    assert [amount for _, amount in db.rows(TOTALS, user)] == [1] * 12 + [3] * 8
    assert db.count("private.overridden_days") == db.count("private.folded_days") == 0


def test_transaction_in_progress_hides_no_saved_spend(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 20)
    db.run_nightly()
    with psycopg.connect(db.url) as other:
        other.execute("select pg_current_xact_id()")
        db.add_spend(user, [5.0])  # its day cannot be folded until the other transaction ends
        upkeep = Upkeep(db.connection)
        assert upkeep.fold() == 0
        upkeep.refresh()
        assert db.rows(TOTALS, user)[-1] == (AS_OF - timedelta(days=1), 6)
    assert db.count("private.stale_days") == 1


def test_fold_waits_for_another_one(db: NightlyDatabase) -> None:
    db.add_spend(db.add_account(), [1.0] * 2)
    folded: list[int] = []
    thread = threading.Thread(target=lambda: folded.append(Upkeep(db.connection).fold()))
    with psycopg.connect(db.url) as other:
        other.execute("select pg_advisory_xact_lock(private.upkeep_lock())")
        thread.start()
        thread.join(0.3)
        assert folded == []
    thread.join()
    assert folded == [2]
