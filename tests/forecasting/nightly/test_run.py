"""Whole nightly runs on a real database."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import psycopg
import pytest

from forecasting.nightly import database, job_runs, run
from forecasting.nightly.database import take_lock
from forecasting.nightly.problems import ANOMALIES, FORECAST, REFUSED
from forecasting.nightly.run import BUSY, DONE, FAILED, INTERRUPTED, PARTIAL, NightlyRun, Options
from forecasting.nightly.workspace_run import load_workspace_run
from forecasting.workers.pool import Outcome, Task, stream_forecasts
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

SpendPattern = Callable[[int], list[float]]

NOT_NESTED = """
select count(*) from {table}
where not coalesce(
    0 <= lower_bound_95 and lower_bound_95 <= lower_bound_80 and lower_bound_80 <= predicted_cost_usd
    and predicted_cost_usd <= upper_bound_80 and upper_bound_80 <= upper_bound_95
    and upper_bound_95 < 'Infinity', false)"""

SERIES = """
select distinct p.name, r.model_name
from public.forecast_results as r left join public.providers as p on r.provider_id = p.id
where r.workspace_id = %s"""

PREDICTIONS = """
select workspace_id, provider_id, model_name, forecast_date, predicted_cost_usd, lower_bound_80,
    upper_bound_80, lower_bound_95, upper_bound_95, confidence_score, training_data_start, training_data_end
from public.forecast_results where run_id = %s
order by 1, 2, 3, 4"""


def runs_of(db: NightlyDatabase) -> list[Any]:
    return db.rows(
        "select distinct run_id, min(created_at) from public.forecast_results group by 1 order by 2"
    )


def steps_of(db: NightlyDatabase, workspace_id: object) -> list[dict[str, Any]]:
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id = %s", workspace_id)
    return list(steps)


def error_of(db: NightlyDatabase, workspace_id: object) -> str | None:
    [[error]] = db.rows("select error from public.job_runs where workspace_id = %s", workspace_id)
    return None if error is None else str(error)


def month_of(db: NightlyDatabase, workspace_id: object, provider: str | None = None) -> tuple[Decimal, ...]:
    [row] = db.rows(
        """
        select t.spent_usd, t.predicted_cost_usd, t.lower_bound_95
        from public.forecast_totals as t left join public.providers as p on t.provider_id = p.id
        where t.workspace_id = %s and t.kind = 'month_end' and t.model_name is null
            and p.name is not distinct from %s""",
        workspace_id,
        provider,
    )
    return tuple(row)


def test_run_forecasts_total_providers_and_models(db: NightlyDatabase, pattern: SpendPattern) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(60))
    db.add_spend(user, pattern(40), model="claude-sonnet", provider="anthropic")
    db.add_spend(user, pattern(9), model="new", provider="anthropic")
    assert db.run_nightly() == DONE
    series = db.rows(
        """
        select p.name, r.model_name, count(*), min(r.forecast_date), max(r.forecast_date)
        from public.forecast_results as r left join public.providers as p on r.provider_id = p.id
        group by 1, 2 order by 1 nulls first, 2 nulls first"""
    )
    names = [(None, None), (None, "claude-sonnet"), (None, "gpt-5"), ("anthropic", None), ("openai", None)]
    assert series == [(*name, 30, AS_OF, AS_OF + timedelta(days=29)) for name in names]
    assert db.count("public.forecast_totals") == 2 * len(names)
    for table in ("public.forecast_results", "public.forecast_totals"):
        assert db.rows(NOT_NESTED.format(table=table)) == [(0,)]
    forecast = steps_of(db, user)[0]
    assert (forecast["series"], forecast["count"], forecast["failed"]) == (6, 5, [])
    assert forecast["too_little_history"] == [{"series": "model:new", "days": 9, "days_missing": 5}]


def test_run_is_recorded_with_its_steps(db: NightlyDatabase, pattern: SpendPattern) -> None:
    db.add_spend(db.add_account(), pattern(20))
    db.run_nightly()
    [[status, day, steps, finished]] = db.rows(
        "select status, day, steps, finished_at is not null from public.job_runs where workspace_id is null"
    )
    assert (status, day, finished) == ("done", AS_OF, True)
    names = ["partitions", "renewals", "fold", "refresh", "forecast", "anomalies"]
    assert [step["step"] for step in steps] == [*names, "telemetry", "vacuum", "analyze"]
    assert all(step["error"] is None and step["seconds"] >= 0 for step in steps)
    assert steps[4]["count"] == 3


def test_run_without_accounts_succeeds(db: NightlyDatabase) -> None:
    assert db.run_nightly() == DONE
    assert db.count("public.job_runs") == 1


def test_too_little_history_is_reported_not_failed(db: NightlyDatabase) -> None:
    short, none = db.add_account(), db.add_account()
    db.add_spend(short, [1.0] * 9)
    assert db.run_nightly() == DONE
    assert db.count("public.forecast_results") == 0
    assert {line["days_missing"] for line in steps_of(db, short)[0]["too_little_history"]} == {5}
    assert steps_of(db, none)[0]["too_little_history"] == [{"series": "total", "days": 0, "days_missing": 14}]


def test_included_usage_and_credits_are_not_fitted(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 30)
    db.add_spend(user, [500.0] * 30, cost_basis="included", model="covered")
    db.add_spend(user, [-3.0], charge_type="credit", model="credit")
    db.run_nightly()
    spent, predicted, _ = month_of(db, user)
    assert spent == 10 - 3  # ten days of May at $1, less the credit
    assert predicted == pytest.approx(Decimal(7 + 21), rel=Decimal("0.02"))
    assert db.rows("select from public.forecast_results where model_name in ('covered', 'credit')") == []


def test_model_without_a_price_is_not_forecast_at_zero(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 30)
    db.add_spend(user, [None] * 60, model="unpriced", cost_basis="estimated")
    db.run_nightly()
    assert {row[1] for row in db.rows(SERIES, user)} == {None, "gpt-5"}
    [[start]] = db.rows("select distinct training_data_start from public.forecast_results")
    assert start == AS_OF - timedelta(days=30)


def test_month_ends_at_spent_plus_predicted_plus_renewals(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [3.0] * 40)
    db.add_subscription(user, "20", renewal_day=5)  # already paid in May
    db.add_subscription(user, "100", renewal_day=31, provider="openai")  # due in May
    db.add_subscription(user, "240", renewal_day=1, interval="year", provider="anthropic")  # not in May
    db.run_nightly()
    spent, predicted, lower_95 = month_of(db, user)
    assert spent == 10 * 3 + 20
    assert predicted == pytest.approx(Decimal(50 + 21 * 3 + 100), rel=Decimal("0.01"))
    assert lower_95 >= spent + 100
    assert month_of(db, user, "chatgpt") == (Decimal(20),) * 3
    assert month_of(db, user, "openai")[1] == pytest.approx(Decimal(30 + 63 + 100), rel=Decimal("0.01"))


def test_renewal_on_day_31_falls_on_the_last_day_of_a_short_month(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_subscription(user, "20", renewal_day=31)
    db.add_subscription(user, "7", renewal_day=15, ended_on=date(2024, 6, 14))
    db.run_nightly(as_of=date(2024, 6, 1))
    days = db.rows(
        """
        select forecast_date, predicted_cost_usd, lower_bound_95, upper_bound_95, metadata ->> 'renewals_usd'
        from public.forecast_results
        where provider_id is null and model_name is null and predicted_cost_usd > 0"""
    )
    assert [(day[0], {*map(Decimal, day[1:])}) for day in days] == [(date(2024, 6, 30), {Decimal(20)})]


def test_days_follow_the_accounts_timezone(db: NightlyDatabase) -> None:
    user = db.add_account(timezone="Asia/Kathmandu")
    db.add_spend(user, [1.0] * 20, last_day=AS_OF - timedelta(days=2), at="12:00Z")
    db.add_spend(user, [50.0], last_day=AS_OF - timedelta(days=1), at="19:00Z")  # 00:45 of the 11th there
    db.run_nightly()
    [[start, end]] = db.rows(
        "select distinct training_data_start, training_data_end from public.forecast_results"
    )
    assert (start, end) == (date(2024, 4, 20), AS_OF - timedelta(days=1))
    assert month_of(db, user)[0] == 9


def test_without_a_date_the_run_is_of_the_accounts_today(db: NightlyDatabase) -> None:
    user = db.add_account(timezone="Pacific/Kiritimati")
    [[today]] = db.rows("select (now() at time zone 'Pacific/Kiritimati')::date")
    db.add_spend(user, [2.0] * 20, last_day=today)
    assert run.run(db.url, Options(workers=0)) == DONE
    [[first, trained_to]] = db.rows(
        "select min(forecast_date), max(training_data_end) from public.forecast_results"
    )
    assert (first, trained_to) == (today, today - timedelta(days=1))


def test_failed_series_is_named_and_the_others_are_stored(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    user, other = db.add_account(), db.add_account()
    db.add_spend(user, pattern(30))
    for _ in range(2):  # each record can be stored; their sum exceeds the largest forecast
        db.add_spend(user, [99_000_000.0] * 20, model="absurd", provider="xai")
    db.add_spend(other, pattern(30))
    assert db.run_nightly() == PARTIAL
    saved = {(None, "gpt-5"), ("openai", None)}
    assert saved == {*db.rows(SERIES, user)}
    assert db.rows("select count(*) from public.forecast_results where workspace_id = %s", other) == [(90,)]
    failed = {line["series"] for line in steps_of(db, user)[0]["failed"]}
    assert failed == {"total", "provider:xai", "model:absurd"}
    assert f"model:absurd of {user}" in capsys.readouterr().err
    statuses = db.rows("select workspace_id, status from public.job_runs")
    assert dict(statuses) == {None: "partial", user: "failed", other: "done"}
    assert error_of(db, user) == "3 series could not be forecast."


def test_replay_adds_a_run_with_the_same_predictions(db: NightlyDatabase, pattern: SpendPattern) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(50))
    db.run_nightly()
    db.add_spend(user, [1000.0] * 3, last_day=AS_OF + timedelta(days=2))  # not known to the first run
    db.run_nightly(workers=2)
    [[first, _], [second, _]] = runs_of(db)
    assert db.rows(PREDICTIONS, first) == db.rows(PREDICTIONS, second)
    assert len(db.rows(PREDICTIONS, second)) == 90


def test_actuals_are_stored_beside_ended_totals(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 20)
    db.add_subscription(user, "20", renewal_day=20)
    db.run_nightly()
    assert db.rows("select count(actual_cost_usd) from public.forecast_totals") == [(0,)]
    db.add_spend(user, [3.0] * 21, last_day=date(2024, 5, 31))
    db.run_nightly(as_of=date(2024, 5, 31))  # the month still has a day to go
    assert db.rows("select count(actual_cost_usd) from public.forecast_totals") == [(0,)]
    db.run_nightly(as_of=date(2024, 6, 1))
    actual = """
        select t.model_name, p.name, t.actual_cost_usd
        from public.forecast_totals as t left join public.providers as p on t.provider_id = p.id
        where t.kind = 'month_end' and t.period_end < '2024-06-01' and t.created_at = (
            select min(created_at) from public.forecast_totals)
        order by 1 nulls first, 2 nulls first"""
    usage = 10 * 1 + 21 * 3
    assert db.rows(actual) == [
        (None, None, usage + 20),
        (None, "chatgpt", 20),
        (None, "openai", usage),
        ("gpt-5", None, usage),
    ]
    db.add_spend(user, [7.0], last_day=date(2024, 5, 31))  # a late bill
    db.run_nightly(as_of=date(2024, 6, 2))
    assert db.rows(actual)[0][2] == usage + 20 + 7


def test_ended_totals_count_their_days_within_range(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [1.0] * 20)
    db.run_nightly(as_of=date(2024, 5, 11))
    db.rows("update public.forecast_results set upper_bound_95 = 3 where model_name is null returning 1")
    db.add_spend(user, [1.0] * 15 + [2.0] * 4 + [9.0] * 2, last_day=date(2024, 5, 31))
    db.run_nightly(as_of=date(2024, 6, 1))
    counts = """
        select days_in_80, days_in_95 from public.forecast_totals
        where kind = 'month_end' and period_start = '2024-05-01'
            and model_name is null and provider_id is null"""
    assert db.rows(counts) == [(15, 19)]
    db.add_spend(user, [8.0], last_day=date(2024, 5, 12))  # a late bill
    db.run_nightly(as_of=date(2024, 6, 2))
    assert db.rows(counts) == [(14, 18)]


def test_daily_predictions_are_deleted_after_400_days_and_totals_never(
    db: NightlyDatabase, pattern: SpendPattern
) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(20))
    for days in (401, 399):
        db.run_nightly()
        for table in ("forecast_results", "forecast_totals"):
            db.connection.execute(
                f"update public.{table} set created_at = now() - %s where now()::date = created_at::date",
                [timedelta(days=days)],
            )
    db.run_nightly()
    ages = "select distinct now()::date - created_at::date from public.{} order by 1"
    assert db.rows(ages.format("forecast_results")) == [(0,), (399,)]
    assert db.rows(ages.format("forecast_totals")) == [(0,), (399,), (401,)]


def test_account_with_forecasts_off_is_skipped(db: NightlyDatabase, pattern: SpendPattern) -> None:
    user = db.add_account(forecast_enabled=False)
    db.add_spend(user, pattern(30))
    db.add_subscription(user, "20", renewal_day=1)
    assert db.run_nightly() == DONE
    assert db.count("public.forecast_results") == 0
    assert "switched off" in steps_of(db, user)[0]["skipped"]


def test_account_deleted_during_the_run_fails_no_other(
    db: NightlyDatabase, pattern: SpendPattern, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = sorted(db.add_account() for _ in range(3))
    for user in users:
        db.add_spend(user, pattern(20))

    def delete_after_loading(connection: Any, workspace: Any) -> Any:
        loaded = load_workspace_run(connection, workspace)
        if workspace.id == users[1]:
            db.rows("delete from auth.users where id = %s returning id", users[1])
        return loaded

    monkeypatch.setattr("forecasting.nightly.workspace_forecasts.load_workspace_run", delete_after_loading)
    assert db.run_nightly() == DONE
    remaining = {row[0] for row in db.rows("select distinct workspace_id from public.forecast_results")}
    assert remaining == {users[0], users[2]}
    assert db.count("public.job_runs") == 3  # the run and the two remaining accounts


def test_forecasts_of_an_account_are_saved_all_or_none(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    unlucky, lucky = db.add_account(), db.add_account()
    for user in (unlucky, lucky):
        db.add_spend(user, pattern(20))
    db.connection.execute(
        f"alter table public.forecast_totals add constraint unlucky check (workspace_id <> '{unlucky}')"
    )
    assert db.run_nightly() == PARTIAL
    assert {row[0] for row in db.rows("select workspace_id from public.forecast_results")} == {lucky}
    assert f"No new forecast could be made ({unlucky}): new row for relation" in capsys.readouterr().err
    assert error_of(db, unlucky) == f"{FORECAST}: {REFUSED}."
    assert dict(db.rows("select workspace_id, status from public.job_runs")) == {
        None: "partial",
        unlucky: "failed",
        lucky: "done",
    }


def test_workspace_whose_spend_cannot_be_read_fails_no_other(
    db: NightlyDatabase,
    pattern: SpendPattern,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unlucky, lucky = sorted(db.add_account() for _ in range(2))
    for user in (unlucky, lucky):
        db.add_spend(user, pattern(20))

    def refuse_unlucky(connection: Any, workspace: Any) -> Any:
        if workspace.id == unlucky:
            connection.execute("select 1 / 0")
        return load_workspace_run(connection, workspace)

    monkeypatch.setattr("forecasting.nightly.workspace_forecasts.load_workspace_run", refuse_unlucky)
    assert db.run_nightly() == PARTIAL
    assert {row[0] for row in db.rows("select workspace_id from public.forecast_results")} == {lucky}
    error = f"No new forecast could be made ({unlucky}): division by zero."
    assert error in capsys.readouterr().err
    runs = db.rows("select workspace_id, status, error from public.job_runs order by workspace_id")
    assert runs == [
        (unlucky, "failed", f"{FORECAST}: {REFUSED}."),
        (lucky, "done", None),
        (None, "partial", error),
    ]


def test_anomalies_that_cannot_be_saved_fail_no_other_workspace(
    db: NightlyDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    unlucky, lucky = sorted(db.add_account() for _ in range(2))
    for user in (unlucky, lucky):
        db.add_spend(user, [4.0] * 40)
        db.add_spend(user, [4.0] * 3, model="new")
    db.connection.execute(
        f"alter table public.anomalies add constraint unlucky check (workspace_id <> '{unlucky}')"
    )
    assert db.run_nightly() == PARTIAL
    assert db.rows("select workspace_id, model_name from public.anomalies") == [(lucky, "new")]
    assert f"{ANOMALIES} ({unlucky}): new row" in capsys.readouterr().err
    assert error_of(db, unlucky) == f"{ANOMALIES}: {REFUSED}."


def test_shared_workspace_is_forecast_apart_from_its_members(
    db: NightlyDatabase, pattern: SpendPattern
) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(20))
    [[team]] = db.rows(
        "insert into public.workspaces (name, timezone) values ('Team', 'Asia/Kathmandu') returning id"
    )
    db.connection.execute("insert into public.members values (%s, %s, 'owner')", [team, user])
    db.add_spend(user, [3.0] * 20, workspace=team, last_day=AS_OF - timedelta(days=2), at="19:00Z")
    db.run_nightly()
    trained = (
        "select distinct workspace_id, training_data_start, training_data_end from public.forecast_results"
    )
    yesterday = AS_OF - timedelta(days=1)
    assert {tuple(row) for row in db.rows(trained)} == {
        (user, yesterday - timedelta(days=19), yesterday),
        (team, yesterday - timedelta(days=19), yesterday),  # 19:00 is past midnight in Kathmandu
    }
    assert month_of(db, team)[0] == 10 * 3


def test_second_run_at_the_same_time_exits(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    db.add_spend(db.add_account(), pattern(20))
    with psycopg.connect(db.url) as first:
        assert take_lock(first)
        assert db.run_nightly() == BUSY
        assert "Another nightly run is in progress" in capsys.readouterr().err
        assert db.count("public.job_runs") == 0
    assert db.run_nightly() == DONE


def test_forgotten_transaction_fails_only_the_steps_that_need_its_locks(
    db: NightlyDatabase,
    pattern: SpendPattern,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 1)
    db.add_spend(db.add_account(), pattern(20))
    with psycopg.connect(db.url) as forgotten:
        forgotten.execute("lock table public.cost_records in share update exclusive mode")
        assert db.run_nightly() == FAILED
    expected = "The step “analyze” failed: another transaction kept its locks for 1 s.\n"
    assert capsys.readouterr().err == expected
    assert len(runs_of(db)) == 1
    assert db.run_nightly() == DONE


def test_two_runs_started_together_take_turns_or_exit(db: NightlyDatabase, pattern: SpendPattern) -> None:
    for _ in range(3):
        db.add_spend(db.add_account(), pattern(30))
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(db.run_nightly())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs_of(db)) == codes.count(DONE)
    assert set(codes) <= {DONE, BUSY}


def test_killed_run_is_marked_failed_by_the_next(db: NightlyDatabase) -> None:
    db.rows("insert into public.job_runs (run_id, day) values (gen_random_uuid(), '2024-05-10') returning id")
    assert db.run_nightly() == DONE
    killed, current = db.rows("select status, error, finished_at is null from public.job_runs order by day")
    assert killed == ("failed", "The nightly run was interrupted before it finished.", False)
    assert current == ("done", None, False)


def test_run_interrupted_within_a_transaction_is_recorded(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(night: NightlyRun) -> None:
        for statement in (b"begin", b"select 1 / 0"):  # as a signal between two statements leaves it
            night.connection.pgconn.exec_(statement)
        raise KeyboardInterrupt

    monkeypatch.setattr(NightlyRun, "_do_steps", interrupt)
    assert run.run(db.url, Options(workers=0)) == INTERRUPTED
    assert db.rows("select status, error from public.job_runs") == [("failed", job_runs.INTERRUPTED)]


def test_interrupted_run_is_recorded_and_keeps_its_forecasts(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        db.add_spend(db.add_account(), pattern(20))

    def interrupt_after_one_account(tasks: Iterable[Task]) -> Iterator[Outcome]:
        yield from islice(stream_forecasts(tasks, workers=0), 3)
        raise KeyboardInterrupt

    assert (
        NightlyRun(db.connection, interrupt_after_one_account, Options(as_of=AS_OF)).execute() == INTERRUPTED
    )
    assert capsys.readouterr().err == "Stopped. Saved forecasts are kept; run it again to finish.\n"
    assert db.count("public.forecast_results") == 3 * 30
    [[status, error]] = db.rows("select status, error from public.job_runs where workspace_id is null")
    assert (status, error) == ("failed", job_runs.INTERRUPTED)


def test_failed_refresh_prevents_forecasts(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    db.add_spend(db.add_account(), pattern(20))
    db.connection.execute("alter function public.refresh_cost_records_daily(boolean) rename to gone")
    assert db.run_nightly() == FAILED
    assert "The step “refresh” failed" in capsys.readouterr().err
    assert db.count("public.forecast_results") == 0
    [[status, error]] = db.rows("select status, error from public.job_runs")
    assert status == "failed"
    assert "refresh" in error


def test_dry_run_prints_forecasts_and_writes_nothing(
    db: NightlyDatabase, pattern: SpendPattern, capsys: pytest.CaptureFixture[str]
) -> None:
    user, waiting = db.add_account(), db.add_account()
    db.add_spend(user, pattern(20))
    db.add_spend(waiting, pattern(5))
    db.rows("select public.refresh_cost_records_daily()")
    assert run.run(db.url, Options(as_of=AS_OF, dry_run=True, workers=0)) == DONE
    out = capsys.readouterr().out
    assert f"{user}  model:gpt-5" in out
    assert "needs 9 more days" in out
