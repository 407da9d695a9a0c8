"""Whole nights on a real database."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from forecasting.nightly import run
from forecasting.nightly.run import BUSY, DONE, FAILED
from forecasting.nightly.store import take_lock
from tests.forecasting.house import AS_OF, House

Wavy = Callable[[int], list[float]]

NOT_NESTED = """
select count(*) from {table}
where not coalesce(
    0 <= lower_bound_95 and lower_bound_95 <= lower_bound_80 and lower_bound_80 <= predicted_cost_usd
    and predicted_cost_usd <= upper_bound_80 and upper_bound_80 <= upper_bound_95
    and upper_bound_95 < 'Infinity', false)"""

SERIES = """
select distinct p.name, r.model_name
from public.forecast_results as r left join public.providers as p on r.provider_id = p.id
where r.user_id = %s"""

PREDICTIONS = """
select user_id, provider_id, model_name, forecast_date, predicted_cost_usd, lower_bound_80, upper_bound_80,
    lower_bound_95, upper_bound_95, confidence_score, training_data_start, training_data_end
from public.forecast_results where run_id = %s
order by 1, 2, 3, 4"""


def runs_of(house: House) -> list[Any]:
    return house.rows(
        "select distinct run_id, min(created_at) from public.forecast_results group by 1 order by 2"
    )


def steps_of(house: House, user_id: object) -> list[dict[str, Any]]:
    [[steps]] = house.rows("select steps from public.job_runs where user_id = %s", user_id)
    return list(steps)


def month_of(house: House, user_id: object, provider: str | None = None) -> tuple[Decimal, ...]:
    [row] = house.rows(
        """
        select t.spent_usd, t.predicted_cost_usd, t.lower_bound_95
        from public.forecast_totals as t left join public.providers as p on t.provider_id = p.id
        where t.user_id = %s and t.kind = 'month_end' and t.model_name is null
            and p.name is not distinct from %s""",
        user_id,
        provider,
    )
    return tuple(row)


def test_a_night_forecasts_total_providers_and_models(house: House, wavy: Wavy) -> None:
    user = house.add_person()
    house.add_spend(user, wavy(60))
    house.add_spend(user, wavy(40), model="claude-sonnet", provider="anthropic")
    house.add_spend(user, wavy(9), model="new", provider="anthropic")
    assert house.work() == DONE
    series = house.rows(
        """
        select p.name, r.model_name, count(*), min(r.forecast_date), max(r.forecast_date)
        from public.forecast_results as r left join public.providers as p on r.provider_id = p.id
        group by 1, 2 order by 1 nulls first, 2 nulls first"""
    )
    names = [(None, None), (None, "claude-sonnet"), (None, "gpt-5"), ("anthropic", None), ("openai", None)]
    assert series == [(*name, 30, AS_OF, AS_OF + timedelta(days=29)) for name in names]
    assert house.count("public.forecast_totals") == 2 * len(names)
    for table in ("public.forecast_results", "public.forecast_totals"):
        assert house.rows(NOT_NESTED.format(table=table)) == [(0,)]
    forecast = steps_of(house, user)[0]
    assert (forecast["series"], forecast["count"], forecast["failed"]) == (6, 5, [])
    assert forecast["too_little_history"] == [{"series": "model:new", "days": 9, "days_missing": 5}]


def test_the_night_itself_is_on_record(house: House, wavy: Wavy) -> None:
    house.add_spend(house.add_person(), wavy(20))
    house.work()
    [[status, night, steps, finished]] = house.rows(
        "select status, night, steps, finished_at is not null from public.job_runs where user_id is null"
    )
    assert (status, night, finished) == ("done", AS_OF, True)
    names = ["partitions", "renewals", "refresh", "forecast", "anomalies", "vacuum", "analyze"]
    assert [step["step"] for step in steps] == names
    assert all(step["error"] is None and step["seconds"] >= 0 for step in steps)
    assert steps[3]["count"] == 3


def test_nobody_yet_is_a_fine_night(house: House) -> None:
    assert house.work() == DONE
    assert house.count("public.job_runs") == 1


def test_too_little_history_is_stated_not_failed(house: House) -> None:
    short, none = house.add_person(), house.add_person()
    house.add_spend(short, [1.0] * 9)
    assert house.work() == DONE
    assert house.count("public.forecast_results") == 0
    assert {line["days_missing"] for line in steps_of(house, short)[0]["too_little_history"]} == {5}
    assert steps_of(house, none)[0]["too_little_history"] == [
        {"series": "total", "days": 0, "days_missing": 14}
    ]


def test_included_usage_and_credits_are_not_fitted(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [1.0] * 30)
    house.add_spend(user, [500.0] * 30, cost_basis="included", model="covered")
    house.add_spend(user, [-3.0], charge_type="credit", model="credit")
    house.work()
    spent, predicted, _ = month_of(house, user)
    assert spent == 10 - 3  # ten days of May at $1, less the credit
    assert predicted == pytest.approx(Decimal(7 + 21), rel=Decimal("0.02"))
    assert house.rows("select from public.forecast_results where model_name in ('covered', 'credit')") == []


def test_a_model_without_a_price_is_not_forecast_at_zero(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [1.0] * 30)
    house.add_spend(user, [None] * 60, model="unpriced", cost_basis="estimated")
    house.work()
    assert {row[1] for row in house.rows(SERIES, user)} == {None, "gpt-5"}
    [[start]] = house.rows("select distinct training_data_start from public.forecast_results")
    assert start == AS_OF - timedelta(days=30)


def test_the_month_ends_at_spent_plus_predicted_plus_renewals(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [3.0] * 40)
    house.add_subscription(user, "20", renewal_day=5)  # paid in May already
    house.add_subscription(user, "100", renewal_day=31, provider="openai")  # to come in May
    house.add_subscription(user, "240", renewal_day=1, interval="year", provider="anthropic")  # not in May
    house.work()
    spent, predicted, lower_95 = month_of(house, user)
    assert spent == 10 * 3 + 20
    assert predicted == pytest.approx(Decimal(50 + 21 * 3 + 100), rel=Decimal("0.01"))
    assert lower_95 >= spent + 100
    assert month_of(house, user, "chatgpt") == (Decimal(20),) * 3
    assert month_of(house, user, "openai")[1] == pytest.approx(Decimal(30 + 63 + 100), rel=Decimal("0.01"))


def test_renewals_come_on_their_day_the_last_of_a_short_month_included(house: House) -> None:
    user = house.add_person()
    house.add_subscription(user, "20", renewal_day=31)
    house.add_subscription(user, "7", renewal_day=15, ended_on=date(2024, 6, 14))
    house.work(as_of=date(2024, 6, 1))
    days = house.rows(
        """
        select forecast_date, predicted_cost_usd, lower_bound_95, upper_bound_95, metadata ->> 'renewals_usd'
        from public.forecast_results
        where provider_id is null and model_name is null and predicted_cost_usd > 0"""
    )
    assert [(day[0], {*map(Decimal, day[1:])}) for day in days] == [(date(2024, 6, 30), {Decimal(20)})]


def test_days_are_the_persons_own(house: House) -> None:
    user = house.add_person(timezone="Asia/Kathmandu")
    house.add_spend(user, [1.0] * 20, last_day=AS_OF - timedelta(days=2), at="12:00Z")
    house.add_spend(user, [50.0], last_day=AS_OF - timedelta(days=1), at="19:00Z")  # 00:45 of the 11th there
    house.work()
    [[start, end]] = house.rows(
        "select distinct training_data_start, training_data_end from public.forecast_results"
    )
    assert (start, end) == (date(2024, 4, 20), AS_OF - timedelta(days=1))
    assert month_of(house, user)[0] == 9


def test_without_a_date_the_night_is_the_persons_today(house: House) -> None:
    user = house.add_person(timezone="Pacific/Kiritimati")
    [[today]] = house.rows("select (now() at time zone 'Pacific/Kiritimati')::date")
    house.add_spend(user, [2.0] * 20, last_day=today)
    assert run.run(house.url, workers=0) == DONE
    [[first, trained_to]] = house.rows(
        "select min(forecast_date), max(training_data_end) from public.forecast_results"
    )
    assert (first, trained_to) == (today, today - timedelta(days=1))


def test_a_series_that_fails_is_named_and_the_others_go_on(
    house: House, wavy: Wavy, capsys: pytest.CaptureFixture[str]
) -> None:
    user, other = house.add_person(), house.add_person()
    house.add_spend(user, wavy(30))
    for _ in range(2):  # each record can be stored; the day's sum is more than a forecast can be
        house.add_spend(user, [99_000_000.0] * 20, model="absurd", provider="xai")
    house.add_spend(other, wavy(30))
    assert house.work() == FAILED
    saved = {(None, "gpt-5"), ("openai", None)}
    assert saved == {*house.rows(SERIES, user)}
    assert house.rows("select count(*) from public.forecast_results where user_id = %s", other) == [(90,)]
    failed = {line["series"] for line in steps_of(house, user)[0]["failed"]}
    assert failed == {"total", "provider:xai", "model:absurd"}
    assert f"model:absurd of {user}" in capsys.readouterr().err
    statuses = house.rows("select user_id, status from public.job_runs")
    assert dict(statuses) == {None: "failed", user: "failed", other: "done"}


def test_a_replay_adds_a_run_with_the_same_predictions(house: House, wavy: Wavy) -> None:
    user = house.add_person()
    house.add_spend(user, wavy(50))
    house.work()
    house.add_spend(user, [1000.0] * 3, last_day=AS_OF + timedelta(days=2))  # not known on that night
    house.work(workers=2)
    [[first, _], [second, _]] = runs_of(house)
    assert house.rows(PREDICTIONS, first) == house.rows(PREDICTIONS, second)
    assert len(house.rows(PREDICTIONS, second)) == 90


def test_totals_are_held_against_what_happened(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [1.0] * 20)
    house.add_subscription(user, "20", renewal_day=20)
    house.work()
    assert house.rows("select count(actual_cost_usd) from public.forecast_totals") == [(0,)]
    house.add_spend(user, [3.0] * 21, last_day=date(2024, 5, 31))
    house.work(as_of=date(2024, 5, 31))  # the month still has a day to go
    assert house.rows("select count(actual_cost_usd) from public.forecast_totals") == [(0,)]
    house.work(as_of=date(2024, 6, 1))
    actual = """
        select t.model_name, p.name, t.actual_cost_usd
        from public.forecast_totals as t left join public.providers as p on t.provider_id = p.id
        where t.kind = 'month_end' and t.period_end < '2024-06-01' and t.created_at = (
            select min(created_at) from public.forecast_totals)
        order by 1 nulls first, 2 nulls first"""
    usage = 10 * 1 + 21 * 3
    assert house.rows(actual) == [
        (None, None, usage + 20),
        (None, "chatgpt", 20),
        (None, "openai", usage),
        ("gpt-5", None, usage),
    ]
    house.add_spend(user, [7.0], last_day=date(2024, 5, 31))  # a bill comes late
    house.work(as_of=date(2024, 6, 2))
    assert house.rows(actual)[0][2] == usage + 20 + 7


def test_ended_totals_say_how_many_of_their_days_were_in_range(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [1.0] * 20)
    house.work(as_of=date(2024, 5, 11))
    house.rows("update public.forecast_results set upper_bound_95 = 3 where model_name is null returning 1")
    house.add_spend(user, [1.0] * 15 + [2.0] * 4 + [9.0] * 2, last_day=date(2024, 5, 31))
    house.work(as_of=date(2024, 6, 1))
    counts = """
        select days_in_80, days_in_95 from public.forecast_totals
        where kind = 'month_end' and period_start = '2024-05-01'
            and model_name is null and provider_id is null"""
    assert house.rows(counts) == [(15, 19)]
    house.add_spend(user, [8.0], last_day=date(2024, 5, 12))  # a bill comes late
    house.work(as_of=date(2024, 6, 2))
    assert house.rows(counts) == [(14, 18)]


def test_daily_predictions_are_kept_400_days_and_totals_for_ever(house: House, wavy: Wavy) -> None:
    user = house.add_person()
    house.add_spend(user, wavy(20))
    for days in (401, 399):
        house.work()
        for table in ("forecast_results", "forecast_totals"):
            house.connection.execute(
                f"update public.{table} set created_at = now() - %s where now()::date = created_at::date",
                [timedelta(days=days)],
            )
    house.work()
    ages = "select distinct now()::date - created_at::date from public.{} order by 1"
    assert house.rows(ages.format("forecast_results")) == [(0,), (399,)]
    assert house.rows(ages.format("forecast_totals")) == [(0,), (399,), (401,)]


def test_who_switched_forecasts_off_is_skipped(house: House, wavy: Wavy) -> None:
    user = house.add_person(forecast_enabled=False)
    house.add_spend(user, wavy(30))
    house.add_subscription(user, "20", renewal_day=1)
    assert house.work() == DONE
    assert house.count("public.forecast_results") == 0
    assert "switched off" in steps_of(house, user)[0]["skipped"]


def test_who_is_deleted_in_the_middle_fails_nobody(
    house: House, wavy: Wavy, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = sorted(house.add_person() for _ in range(3))
    for user in users:
        house.add_spend(user, wavy(20))
    load_part = run._load_part

    def delete_after_loading(connection: Any, person: Any) -> Any:
        part = load_part(connection, person)
        if person.user_id == users[1]:
            house.rows("delete from auth.users where id = %s returning id", users[1])
        return part

    monkeypatch.setattr(run, "_load_part", delete_after_loading)
    assert house.work() == DONE
    stayed = {row[0] for row in house.rows("select distinct user_id from public.forecast_results")}
    assert stayed == {users[0], users[2]}
    assert house.count("public.job_runs") == 3  # the night and the two who stayed


def test_a_person_whose_forecasts_cannot_be_saved_has_none_of_them(
    house: House, wavy: Wavy, capsys: pytest.CaptureFixture[str]
) -> None:
    unlucky, lucky = house.add_person(), house.add_person()
    for user in (unlucky, lucky):
        house.add_spend(user, wavy(20))
    house.connection.execute(
        f"alter table public.forecast_totals add constraint unlucky check (user_id <> '{unlucky}')"
    )
    assert house.work() == FAILED
    assert {row[0] for row in house.rows("select user_id from public.forecast_results")} == {lucky}
    assert f"The forecasts of {unlucky} could not be saved" in capsys.readouterr().err
    assert dict(house.rows("select user_id, status from public.job_runs")) == {
        None: "failed",
        unlucky: "failed",
        lucky: "done",
    }


def test_a_second_night_at_the_same_time_leaves(
    house: House, wavy: Wavy, capsys: pytest.CaptureFixture[str]
) -> None:
    house.add_spend(house.add_person(), wavy(20))
    with psycopg.connect(house.url) as first:
        assert take_lock(first)
        assert house.work() == BUSY
        assert "Another night is at work" in capsys.readouterr().err
        assert house.count("public.job_runs") == 0
    assert house.work() == DONE


def test_two_nights_started_together_save_one_run(house: House, wavy: Wavy) -> None:
    for _ in range(3):
        house.add_spend(house.add_person(), wavy(30))
    codes: list[int] = []
    nights = [threading.Thread(target=lambda: codes.append(house.work())) for _ in range(2)]
    for night in nights:
        night.start()
    for night in nights:
        night.join()
    assert len(runs_of(house)) == codes.count(DONE)
    assert set(codes) <= {DONE, BUSY}


def test_a_killed_night_is_marked_by_the_next(house: House) -> None:
    house.rows(
        "insert into public.job_runs (run_id, night) values (gen_random_uuid(), '2024-05-10') returning id"
    )
    assert house.work() == DONE
    killed, this = house.rows("select status, error, finished_at is null from public.job_runs order by night")
    assert killed == ("failed", "The night was interrupted before it ended.", False)
    assert this == ("done", None, False)


def test_without_a_refresh_nothing_is_forecast(
    house: House, wavy: Wavy, capsys: pytest.CaptureFixture[str]
) -> None:
    house.add_spend(house.add_person(), wavy(20))
    house.connection.execute("alter function public.refresh_cost_records_daily() rename to gone")
    assert house.work() == FAILED
    assert "The step “refresh” failed" in capsys.readouterr().err
    assert house.count("public.forecast_results") == 0
    [[status, error]] = house.rows("select status, error from public.job_runs")
    assert status == "failed"
    assert "refresh" in error


def test_a_dry_run_prints_and_writes_nothing(
    house: House, wavy: Wavy, capsys: pytest.CaptureFixture[str]
) -> None:
    user, waiting = house.add_person(), house.add_person()
    house.add_spend(user, wavy(20))
    house.add_spend(waiting, wavy(5))
    house.rows("select public.refresh_cost_records_daily()")
    assert run.run(house.url, as_of=AS_OF, dry_run=True, workers=0) == DONE
    out = capsys.readouterr().out
    assert f"{user}  model:gpt-5" in out
    assert "needs 9 more days" in out
