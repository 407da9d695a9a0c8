"""The forecast of one workspace after changes."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest

from forecasting.nightly import job_runs
from forecasting.nightly import reforecast as module
from forecasting.nightly.database import connect
from forecasting.nightly.reforecast import DaysWait, reforecast
from forecasting.workers.pool import Outcome, Task, stream_forecasts
from tests.days import current_day, previous_day
from tests.forecasting.nightly_database import NightlyDatabase

Pattern = Callable[[int], list[float]]

RUNS = """
select kind, status, jsonb_path_query_array(steps, '$.step') from public.job_runs
where workspace_id = %s order by started_at"""
NEWEST = "select distinct run_id from public.forecast_results where workspace_id = %s"
ADD_REQUEST = """
insert into private.forecast_requests (workspace_id, gen) values (%s, pg_current_xact_id())"""
REQUESTED = "select distinct workspace_id from private.forecast_requests order by 1"


def forecast(db: NightlyDatabase, workspace_id: UUID) -> int | None:
    with connect(db.url) as connection:
        return reforecast(connection, workspace_id, partial(stream_forecasts, workers=0))


def count_totals(db: NightlyDatabase, workspace_id: UUID) -> int:
    query = """
        select from public.forecast_totals
        where workspace_id = %s and kind = 'month_end'
            and num_nonnulls(provider_id, model_name, project_id) = 0"""
    return len(db.rows(query, workspace_id))


@pytest.fixture
def ada(db: NightlyDatabase, pattern: Pattern) -> UUID:
    """An account with 70 days of spend, and a change that no forecast knows of."""
    user_id = db.add_account()
    db.add_spend(user_id, pattern(70), previous_day())
    return user_id


def test_changed_workspace_is_forecast_from_days_that_no_one_folded(db: NightlyDatabase, ada: UUID) -> None:
    assert forecast(db, ada) == 3, "the total, a provider, a model"
    assert db.rows(RUNS, ada) == [("change", "done", ["forecast", "score", "anomalies"])]
    assert db.count("public.forecast_results") == 90
    assert db.rows("select max(training_data_end) from public.forecast_results") == [(previous_day(),)]
    assert db.count("private.forecast_requests") == db.count("private.stale_days") == 0


def test_unchanged_workspace_is_left_alone(db: NightlyDatabase, ada: UUID) -> None:
    forecast(db, ada)
    before = db.rows(NEWEST, ada)
    assert forecast(db, ada) is None
    assert db.rows(NEWEST, ada) == before
    assert len(db.rows(RUNS, ada)) == 1


def test_other_workspaces_are_left_alone(db: NightlyDatabase, ada: UUID, pattern: Pattern) -> None:
    other = db.add_account()
    db.add_spend(other, pattern(70), previous_day())
    forecast(db, ada)
    assert db.rows(RUNS, other) == []
    assert db.rows("select distinct workspace_id from private.stale_days") == [(other,)]
    assert forecast(db, other) == 3


def test_second_forecast_of_a_day_replaces_the_first(db: NightlyDatabase, ada: UUID) -> None:
    forecast(db, ada)
    [first] = db.rows(NEWEST, ada)
    db.add_spend(ada, [50], previous_day())
    assert forecast(db, ada) == 3
    [second] = db.rows(NEWEST, ada)
    assert second != first
    assert len(db.rows(RUNS, ada)) == 1
    assert count_totals(db, ada) == 1


def test_nightly_run_of_the_day_is_replaced_but_its_record_is_kept(db: NightlyDatabase, ada: UUID) -> None:
    assert db.run_nightly(None) == 0
    db.add_spend(ada, [50], previous_day())
    forecast(db, ada)
    assert [kind for kind, *_ in db.rows(RUNS, ada)] == ["nightly", "change"]
    assert len(db.rows(NEWEST, ada)) == 1


def test_forecasts_of_earlier_days_are_kept(db: NightlyDatabase, ada: UUID) -> None:
    db.run_nightly(current_day() - timedelta(days=3))
    forecast(db, ada)
    assert len(db.rows(NEWEST, ada)) == 2


def test_series_that_failed_keeps_its_earlier_forecast(db: NightlyDatabase, ada: UUID) -> None:
    forecast(db, ada)
    db.add_spend(ada, [50], previous_day())

    def failing(tasks: Iterable[Task]) -> Iterator[Outcome]:
        from forecasting.workers.pool import Failure

        for task in tasks:
            if task.series.unique_id.startswith("model:"):
                yield Failure(task.series, "its process died")
            else:
                yield from stream_forecasts([task], workers=0)

    with connect(db.url) as connection:
        assert reforecast(connection, ada, failing) == 2
    models = "select count(distinct run_id) from public.forecast_results where model_name is not null"
    assert db.rows(models) == [(1,)]
    assert len(db.rows(NEWEST, ada)) == 2


def test_too_little_history_is_said_and_nothing_is_fitted(db: NightlyDatabase) -> None:
    user_id = db.add_account()
    db.add_spend(user_id, [1, 2], previous_day())

    def fits_nothing(tasks: Iterable[Task]) -> Iterator[Outcome]:
        assert list(tasks) == []
        return iter(())

    with connect(db.url) as connection:
        assert reforecast(connection, user_id, fits_nothing) == 0
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id = %s", user_id)
    assert "total" in {short["series"] for short in steps[0]["too_little_history"]}
    assert db.rows(REQUESTED) == []


def test_switched_off_forecasts_are_not_made(db: NightlyDatabase, pattern: Pattern) -> None:
    user_id = db.add_account(forecast_enabled=False)
    db.add_spend(user_id, pattern(70), previous_day())
    assert forecast(db, user_id) == 0
    assert db.count("public.forecast_results") == 0
    assert db.rows(REQUESTED) == []


def test_request_of_a_deleted_workspace_is_forgotten(db: NightlyDatabase, ada: UUID) -> None:
    db.connection.execute("delete from auth.users where id = %s", [ada])
    assert db.rows(REQUESTED) == []
    db.connection.execute(ADD_REQUEST, [ada])  # as by a fold at the same time
    assert forecast(db, ada) is None
    assert db.rows(REQUESTED) == []


def test_change_during_the_forecast_is_still_a_request(db: NightlyDatabase, ada: UUID) -> None:
    def with_a_change(tasks: Iterable[Task]) -> Iterator[Outcome]:
        yield from stream_forecasts(tasks, workers=0)
        db.add_spend(ada, [50], previous_day())
        db.rows("select public.fold_stale_days()")

    with connect(db.url) as connection:
        assert reforecast(connection, ada, with_a_change) == 3
    assert db.rows(REQUESTED) == [(ada,)]
    assert forecast(db, ada) == 3
    assert db.rows(REQUESTED) == []


def test_older_transaction_that_ends_during_the_forecast_is_still_a_request(
    db: NightlyDatabase, ada: UUID
) -> None:
    """Its mark is older than the one that the forecast answers."""
    with psycopg.connect(db.url) as open_since_before:
        open_since_before.execute("select pg_current_xact_id()")
        old = db.add_account()
        assert old != ada
        db.add_spend(ada, [1], previous_day())

        def ending(tasks: Iterable[Task]) -> Iterator[Outcome]:
            yield from stream_forecasts(tasks, workers=0)
            open_since_before.execute(
                "select private.mark_days(%s, %s)", [ada, [previous_day() - timedelta(days=80)]]
            )
            open_since_before.commit()
            db.rows("select public.fold_stale_days()")

        with connect(db.url) as connection:
            reforecast(connection, ada, ending)
    assert db.rows(REQUESTED) == [(ada,)]


STEPS = ("save_results", "delete_earlier_changes", "backfill_actuals", "flag_anomalies", "answer_requests")


@pytest.mark.parametrize("step", STEPS)
def test_forecast_that_is_killed_is_made_again_and_is_there_once(
    db: NightlyDatabase, ada: UUID, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job_runs if step in vars(job_runs) else module, step, killed)
    with pytest.raises(KeyboardInterrupt):
        forecast(db, ada)
    monkeypatch.undo()
    assert db.rows(REQUESTED) == [(ada,)]
    assert [status for _, status, _ in db.rows(RUNS, ada)] == ["running"]
    assert forecast(db, ada) == 3
    assert db.count("public.forecast_results") == 90
    assert db.rows(REQUESTED) == []
    assert [status for _, status, _ in db.rows(RUNS, ada)] == ["done"]


def test_days_that_wait_for_another_transaction_are_tried_again(
    db: NightlyDatabase, pattern: Pattern
) -> None:
    with psycopg.connect(db.url) as older:
        older.execute("select pg_current_xact_id()")
        user_id = db.add_account()
        db.add_spend(user_id, pattern(70), previous_day())
        with pytest.raises(DaysWait):
            forecast(db, user_id)
        assert db.rows(RUNS, user_id) == []
    assert forecast(db, user_id) == 3


def test_number_that_is_too_large_is_explained_and_the_request_kept(db: NightlyDatabase, ada: UUID) -> None:
    db.add_spend(ada, [99_999_999.0] * 2, previous_day(), model="large")
    db.connection.execute(
        "alter table public.forecast_results add constraint small check (upper_bound_95 < 1)"
    )
    assert forecast(db, ada) is None
    [[status, error]] = db.rows("select status, error from public.job_runs where workspace_id = %s", ada)
    assert status == "failed"
    assert error.startswith("No new forecast could be made: ")
    assert db.rows(REQUESTED) == [(ada,)]


def test_forecasts_that_fail_gather_no_requests(
    db: NightlyDatabase, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(module, "save_results", fail)
    for _ in range(3):
        db.connection.execute(ADD_REQUEST, [ada])
        newest = db.rows("select max(id) from private.forecast_requests")
        assert forecast(db, ada) is None
        assert db.rows("select id from private.forecast_requests") == newest


def test_nightly_run_answers_requests_and_a_replay_does_not(db: NightlyDatabase, ada: UUID) -> None:
    db.rows("select public.fold_stale_days()")
    db.run_nightly(date(2024, 5, 11))
    assert db.rows(REQUESTED) == [(ada,)]
    db.run_nightly(None)
    assert db.rows(REQUESTED) == []


def test_killed_forecast_is_no_interrupted_nightly_run(db: NightlyDatabase, ada: UUID) -> None:
    add = "insert into public.job_runs (run_id, workspace_id, kind, day) values (%s, %s, 'change', %s)"
    db.connection.execute(add, [uuid4(), ada, current_day()])
    db.run_nightly()
    assert db.rows("select status from public.job_runs where kind = 'change'") == [("running",)]
