"""Short, extreme and invalid inputs: each has a defined result and harms no other series."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from forecasting.nightly.run import DONE, PARTIAL
from forecasting.nightly.workspace_run import MAX_MODELS
from tests.database_fixtures import make_months
from tests.forecasting.nightly_database import NightlyDatabase

AS_OF = date(2024, 2, 20)  # a leap day and a clock change lie ahead; another clock change is in the history
YESTERDAY = AS_OF - timedelta(days=1)
LONG_AUTUMN_DAY = date(2023, 11, 5)  # of 25 hours in New York
MANY_MODELS = 5_000

ADD_MANY_MODELS = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select w.id, w.personal_user_id, p.id, %s::date + interval '12 hours', 'model-' || n, 0.01
from public.workspaces as w, public.providers as p, generate_series(1, %s) as n
where w.id = %s and p.name = 'openai'"""

ADD_HOURS = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select w.id, w.personal_user_id, p.id, h, 'gpt-5', 1
from public.workspaces as w, public.providers as p,
    generate_series(
        %s::timestamp at time zone 'America/New_York',
        %s::timestamp at time zone 'America/New_York' - interval '1 hour',
        interval '1 hour'
    ) as h
where w.id = %s and p.name = 'openai'"""

NEXT_30_DAYS = """
select coalesce('model:' || t.model_name, 'provider:' || p.name, 'total'), t.predicted_cost_usd
from public.forecast_totals as t left join public.providers as p on t.provider_id = p.id
where t.workspace_id = %s and t.kind = 'next_30_days'"""


def add_accounts(db: NightlyDatabase) -> dict[str, UUID]:
    """Add an account for each kind of input."""
    users = {name: db.add_account() for name in ("nothing", "one day", "zeros", "outlier", "gap", "ended")}
    db.add_spend(users["one day"], [5.0], YESTERDAY)
    db.add_spend(users["zeros"], [0.0] * 30, YESTERDAY)
    db.add_spend(users["outlier"], [3.0] * 30 + [50_000.0] + [3.0] * 40, YESTERDAY)
    for last_day in (YESTERDAY, YESTERDAY - timedelta(days=120)):
        db.add_spend(users["gap"], [4.0] * 30, last_day)
    db.add_spend(users["ended"], [4.0] * 30, YESTERDAY)
    db.add_spend(users["ended"], [9.0] * 40, YESTERDAY - timedelta(days=100), model="o3")

    users["clocks"] = db.add_account(timezone="America/New_York")
    hours = (LONG_AUTUMN_DAY - timedelta(days=1), LONG_AUTUMN_DAY + timedelta(days=2))
    make_months(db.connection, *hours)
    db.connection.execute(ADD_HOURS, [*hours, users["clocks"]])

    users["future"] = db.add_account()
    db.add_spend(users["future"], [2.0] * 20, YESTERDAY)
    db.add_spend(users["future"], [1000.0] * 9, AS_OF + timedelta(days=8))
    users["many"] = db.add_account()
    db.add_spend(users["many"], [6.0] * 20, YESTERDAY)
    db.connection.execute(ADD_MANY_MODELS, [YESTERDAY, MANY_MODELS - 1, users["many"]])
    return users


def next_30_days(db: NightlyDatabase, user: UUID) -> dict[str, float]:
    return {name: float(amount) for name, amount in db.rows(NEXT_30_DAYS, user)}


def forecast_step(db: NightlyDatabase, user: UUID) -> dict[str, Any]:
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id = %s", user)
    step: dict[str, Any] = steps[0]
    return step


def missing_days(db: NightlyDatabase, user: UUID) -> set[tuple[str, int]]:
    return {(line["series"], line["days_missing"]) for line in forecast_step(db, user)["too_little_history"]}


def test_every_bad_input_has_a_defined_result(db: NightlyDatabase) -> None:
    users = add_accounts(db)
    assert db.run_nightly(AS_OF) == DONE
    assert_short_histories_are_reported(db, users)
    assert_totals_are_plausible(db, users)
    assert_many_models_are_limited(db, users["many"])
    assert_clock_change_and_leap_day_are_days(db, users["clocks"])
    for table in ("forecast_results", "forecast_totals"):
        wrong = (
            f"select count(*) from public.{table} where not (0 <= lower_bound_95 and upper_bound_95 < 1e7)"
        )
        assert db.rows(wrong) == [(0,)]


def assert_short_histories_are_reported(db: NightlyDatabase, users: dict[str, UUID]) -> None:
    assert missing_days(db, users["nothing"]) == {("total", 14)}
    assert missing_days(db, users["one day"]) == {
        ("total", 13),
        ("provider:openai", 13),
        ("model:gpt-5", 13),
    }


def assert_totals_are_plausible(db: NightlyDatabase, users: dict[str, UUID]) -> None:
    assert set(next_30_days(db, users["zeros"]).values()) == {0}
    assert 60 < next_30_days(db, users["outlier"])["total"] < 180  # one outlier is not a habit
    assert next_30_days(db, users["gap"])["total"] == pytest.approx(120, rel=0.25)
    ended = next_30_days(db, users["ended"])
    assert ended["model:o3"] == pytest.approx(0, abs=1)
    assert ended["total"] == pytest.approx(120, rel=0.25)
    assert next_30_days(db, users["future"])["total"] == pytest.approx(60, rel=0.1)


def assert_many_models_are_limited(db: NightlyDatabase, user: UUID) -> None:
    step = forecast_step(db, user)
    assert step["models_left_out"] == MANY_MODELS - MAX_MODELS
    assert len(step["too_little_history"]) == MAX_MODELS - 1
    assert set(next_30_days(db, user)) == {"total", "provider:openai", "model:gpt-5"}


def assert_clock_change_and_leap_day_are_days(db: NightlyDatabase, user: UUID) -> None:
    around = "select date, total_cost_usd from private.current_days where workspace_id = %s order by 1"
    days = [LONG_AUTUMN_DAY + timedelta(days=offset) for offset in (-1, 0, 1)]
    assert db.rows(around, user) == list(zip(days, (24, 25, 24), strict=True))
    horizon = "select count(distinct forecast_date) from public.forecast_results where workspace_id = %s"
    assert db.rows(horizon, user) == [(30,)]
    leap_day = """
        select count(*) from public.forecast_results
        where forecast_date = '2024-02-29' and workspace_id = %s"""
    assert db.rows(leap_day, user) == [(3,)]


def test_timezone_changed_between_two_runs_moves_the_days(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [2.0] * 20, YESTERDAY, at="23:30Z")  # noon of the next day in Auckland
    assert db.run_nightly(AS_OF) == DONE
    db.connection.execute(
        "update public.user_preferences set timezone = 'Pacific/Auckland' where user_id = %s", [user]
    )
    assert db.run_nightly(AS_OF + timedelta(days=1)) == DONE
    trained = """
        select distinct r.training_data_start, r.training_data_end, t.spent_usd
        from public.forecast_results as r inner join public.forecast_totals as t using (run_id)
        where t.kind = 'month_end' order by 1"""
    assert db.rows(trained) == [
        (date(2024, 1, 31), YESTERDAY, 19 * 2),
        (date(2024, 2, 1), AS_OF, 20 * 2),
    ]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_database_refuses_amounts_that_are_not_finite(db: NightlyDatabase, amount: str) -> None:
    user = db.add_account()
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
        db.add_spend(user, [float(amount)])


def test_invalid_amount_past_the_database_fails_only_its_own_series(
    db: NightlyDatabase, pattern: Callable[[int], list[float]]
) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(30), YESTERDAY)
    db.connection.execute("alter table public.cost_records drop constraint cost_records_cost")
    db.add_spend(user, [float("nan")] + [1.0] * 19, YESTERDAY, model="wild", provider="xai")
    assert db.run_nightly(AS_OF) == PARTIAL
    reason = "a day's spend is not a finite amount of at least $0"
    failed = {line["series"]: line["reason"] for line in forecast_step(db, user)["failed"]}
    assert failed == dict.fromkeys(("total", "provider:xai", "model:wild"), reason)
    assert set(next_30_days(db, user)) == {"provider:openai", "model:gpt-5"}
