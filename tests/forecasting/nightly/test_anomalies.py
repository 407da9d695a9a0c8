"""Outliers and new models, as the nightly run flags them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from forecasting.nightly.anomalies import LOOK_BACK_DAYS, flag_anomalies
from forecasting.nightly.outliers import Outlier, is_notable
from forecasting.nightly.past_spikes import MAX_SPIKES
from forecasting.nightly.workspaces import Workspace
from tests.every_case import every_case
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

YESTERDAY = AS_OF - timedelta(days=1)
ADD_FORECAST = """
insert into public.forecast_results (
    run_id, workspace_id, provider_id, forecast_date, predicted_cost_usd, lower_bound_80, upper_bound_80,
    lower_bound_95, upper_bound_95, confidence_score, model_version, training_data_start, training_data_end,
    training_record_count
)
select %(run)s, %(user)s, (select id from public.providers where name = %(provider)s), day, %(expected)s,
    %(lower)s, %(upper)s, %(lower)s, %(upper)s, 0.5, 'test', day - 60, %(today)s::date - 1, 60
from generate_series(%(today)s::date, %(today)s::date + 29, interval '1 day') as g (at), date(at) as day
returning 1"""
FOUND = """
select a.day, p.name, a.model_name, a.kind, a.actual_usd, a.muted_at is not null, a.attribution
from public.anomalies as a left join public.providers as p on a.provider_id = p.id
where a.workspace_id = %s order by 1, 2 nulls first, 3 nulls first"""


def outlier(**changes: Any) -> Outlier:
    """A day of $18.40 where $4 was usual."""
    values = {"actual": "18.40", "expected": "4", "lower_95": "2", "upper_95": "7", "spent_before": "112"}
    amounts = {name: Decimal(changes.pop(name, value)) for name, value in values.items()}
    day = Outlier(YESTERDAY, None, age_days=1, usual_days=28, days_above=0, **amounts)
    return day._replace(**changes)


@every_case(
    [
        ({}, True),
        ({"actual": "5.90", "upper_95": "5"}, False),  # less than half the usual above the expected amount
        ({"actual": "0.90", "expected": "0.01", "upper_95": "0.02", "spent_before": "0.28"}, False),  # cents
        ({"actual": "0", "days_above": 28}, False),  # data may still arrive
        ({"actual": "0", "days_above": 28, "age_days": 2}, True),
        ({"actual": "0", "days_above": 27, "age_days": 2}, False),  # one day without spend among others
    ]
)
def test_outlier_is_notable_when_the_difference_matters(changes: dict[str, Any], expected: bool) -> None:
    assert is_notable(outlier(**changes)) == expected


def add_forecast(
    db: NightlyDatabase, user: UUID, today: date, provider: str | None = None, expected: int = 4
) -> None:
    """Add the forecast of `expected` a day, give or take 2, made on `today` for 30 days."""
    keys: Mapping[str, Any] = {
        "run": uuid4(),
        "user": user,
        "provider": provider,
        "today": today,
        "expected": expected,
        "lower": expected - 2,
        "upper": expected + 2,
    }
    db.connection.execute(ADD_FORECAST, keys)


def flag(db: NightlyDatabase, user: UUID, today: date = AS_OF) -> Sequence[tuple[Any, ...]]:
    """The anomalies after the run of `today`."""
    db.connection.execute("select public.refresh_cost_records_daily()")
    flag_anomalies(db.connection, Workspace(user, today, forecast_enabled=True))
    return db.rows(FOUND, user)


def test_outlier_is_flagged_with_parts_that_add_up(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [18.0])
    add_forecast(db, user, YESTERDAY)
    [[day, provider, model, kind, actual, is_muted, parts]] = flag(db, user)
    assert (day, provider, model, kind, actual, is_muted) == (YESTERDAY, None, None, "spend", 18, False)
    assert sum(map(Decimal, parts.values())) == 14
    assert Decimal(parts["rest"]) == 14  # these records have no tokens


def test_day_is_compared_only_with_forecasts_made_before_it(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [18.0])
    add_forecast(db, user, AS_OF, expected=17)  # made with yesterday already known
    assert len(flag(db, user)) == 1  # it is compared with the weeks before it
    add_forecast(db, user, YESTERDAY - timedelta(days=3))
    [[*_, parts]] = flag(db, user)
    assert "rest" in parts
    add_forecast(db, user, YESTERDAY, expected=17)  # the newest one before the day is used
    assert flag(db, user) == []


def test_each_provider_is_compared_with_its_own_range(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [12.0])
    db.add_spend(user, [8.0] * 40 + [0.5], model="claude", provider="anthropic")
    add_forecast(db, user, YESTERDAY, expected=12)
    add_forecast(db, user, YESTERDAY, "openai")
    add_forecast(db, user, YESTERDAY, "anthropic", expected=8)
    assert [row[1] for row in flag(db, user)] == ["openai"]
    found = flag(db, user, AS_OF + timedelta(days=1))  # low spend is flagged a day later
    assert [row[1] for row in found] == ["anthropic", "openai"]


def test_run_updates_anomalies_and_keeps_them_muted(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [18.0])
    add_forecast(db, user, YESTERDAY)
    flag(db, user)
    db.connection.execute("update public.anomalies set muted_at = now()")
    db.add_spend(user, [2.0])
    [[_, _, _, _, actual, is_muted, _]] = flag(db, user)
    assert (actual, is_muted) == (20, True)
    db.add_spend(user, [-16.0], charge_type="credit")
    assert flag(db, user) == []


def test_anomaly_older_than_a_week_is_unchanged_while_its_day_is(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [9.0])  # outside the range, but less than three times a usual day
    add_forecast(db, user, YESTERDAY)
    later = AS_OF + timedelta(days=LOOK_BACK_DAYS + 1)
    assert flag(db, user) == flag(db, user, later)
    assert len(flag(db, user, later)) == 1
    db.add_spend(user, [-5.0], charge_type="credit")
    assert flag(db, user, later) == []


MONTHS_AGO = AS_OF - timedelta(days=100)
STORED = "select id, day, actual_usd, muted_at, metadata from public.anomalies order by day"


def add_history(db: NightlyDatabase, opus: float = 25.0) -> UUID:
    """150 days of two models, of $4 together; on one of them the second cost `opus` instead of $1."""
    user = db.add_account()
    db.add_spend(user, [3.0] * 150)
    db.add_spend(user, [1.0] * 150, model="claude-opus-4-1", provider="anthropic")
    db.add_spend(user, [opus - 1], last_day=MONTHS_AGO, model="claude-opus-4-1", provider="anthropic")
    return user


def test_spike_months_ago_is_found_with_the_model_that_caused_it(db: NightlyDatabase) -> None:
    user = add_history(db)
    [[day, provider, _, kind, actual, is_muted, parts]] = flag(db, user)
    assert (day, provider, kind, actual, is_muted) == (MONTHS_AGO, None, "spend", 28, False)
    assert {name: Decimal(part) for name, part in parts.items()} == {"difference": 24}
    [[metadata]] = db.rows("select metadata from public.anomalies")
    assert (metadata.pop("basis"), metadata.pop("model")) == ("history", "claude-opus-4-1")
    assert {name: Decimal(amount) for name, amount in metadata.items()} == {
        "usual_usd": 4,
        "usage_usd": 28,
        "model_usd": 25,
        "model_usual_usd": 1,
    }


def test_spikes_found_again_are_the_same_rows_and_stay_muted(db: NightlyDatabase) -> None:
    user = add_history(db)
    flag(db, user)
    db.connection.execute("update public.anomalies set muted_at = now()")
    before = db.rows(STORED)
    flag(db, user)
    flag(db, user, AS_OF + timedelta(days=30))
    assert db.rows(STORED) == before


def test_spike_goes_with_the_records_that_made_it(db: NightlyDatabase) -> None:
    user = add_history(db)
    flag(db, user)
    db.connection.execute("delete from public.cost_records where cost_usd > 20")
    assert flag(db, user) == []


def test_spikes_are_judged_again_when_the_days_around_them_change(db: NightlyDatabase) -> None:
    user = add_history(db)
    flag(db, user)
    db.add_spend(
        user, [20.0] * 150
    )  # another source reports more: the day is no longer three times a usual one
    assert flag(db, user) == []


def test_import_of_years_gives_the_dearest_spikes_only(db: NightlyDatabase) -> None:
    user = db.add_account()
    amounts = [4.0] * 700
    amounts[20::21] = [40.0 + nth for nth in range(len(amounts[20::21]))]
    db.add_spend(user, amounts)
    found = [row[4] for row in flag(db, user)]
    assert len(found) == MAX_SPIKES < len(amounts[20::21])
    assert min(found) > 40 + len(amounts[20::21]) - MAX_SPIKES - 1


def test_day_that_a_forecast_judged_is_not_judged_again(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40 + [18.0])
    add_forecast(db, user, YESTERDAY, expected=17)
    assert flag(db, user) == []


def test_spikes_of_other_workspaces_stay(db: NightlyDatabase) -> None:
    user, other = add_history(db), add_history(db, opus=50.0)
    flag(db, user)
    assert len(flag(db, other)) == 1
    db.connection.execute("delete from public.cost_records where cost_usd > 20")
    flag(db, user)
    assert db.count("public.anomalies") == 1


def test_renewal_makes_no_spike(db: NightlyDatabase) -> None:
    user = add_history(db, opus=1.0)
    db.add_spend(user, [200.0], last_day=MONTHS_AGO, charge_type="subscription")
    assert flag(db, user) == []


def test_new_model_with_a_share_of_the_spend_is_flagged_once(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 40)
    db.add_spend(user, [2.0] * 3, model="=new<b>")
    db.add_spend(user, [0.2] * 3, model="small")
    [[day, _, model, kind, actual, _, parts]] = flag(db, user)
    assert (day, model, kind) == (YESTERDAY - timedelta(days=2), "=new<b>", "new_model")
    assert actual == Decimal(parts["model"]) == 6
    assert Decimal(parts["others"]) == Decimal("12.6")
    db.add_spend(user, [1.0], last_day=AS_OF - timedelta(days=30), model="=new<b>")  # used before
    assert flag(db, user) == []


def test_in_the_first_weeks_no_model_is_new(db: NightlyDatabase) -> None:
    user = db.add_account()
    db.add_spend(user, [4.0] * 9)
    db.add_spend(user, [5.0] * 3, model="newer")
    assert flag(db, user) == []


def test_deleted_accounts_and_those_without_forecasts_are_skipped(db: NightlyDatabase) -> None:
    user, deleted = db.add_account(), db.add_account()
    for each in (user, deleted):
        db.add_spend(each, [4.0] * 40)
        db.add_spend(each, [4.0] * 3, model="new")
    db.connection.execute("select public.refresh_cost_records_daily()")
    db.connection.execute("delete from auth.users where id = %s", [deleted])
    flag_anomalies(db.connection, Workspace(user, AS_OF, forecast_enabled=False))
    flag_anomalies(db.connection, Workspace(deleted, AS_OF, forecast_enabled=True))
    assert db.count("public.anomalies") == 0
