"""Days out of the ordinary and new models, as the night flags them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from forecasting.nightly import anomalies
from forecasting.nightly.anomalies import LOOK_BACK_DAYS, Seen, is_worth_saying
from forecasting.nightly.store import Person
from tests.forecasting.house import AS_OF, House

YESTERDAY = AS_OF - timedelta(days=1)
ADD_FORECAST = """
insert into public.forecast_results (
    run_id, user_id, provider_id, forecast_date, predicted_cost_usd, lower_bound_80, upper_bound_80,
    lower_bound_95, upper_bound_95, confidence_score, model_version, training_data_start, training_data_end,
    training_record_count
)
select %(run)s, %(user)s, (select id from public.providers where name = %(provider)s), day, %(expected)s,
    %(lower)s, %(upper)s, %(lower)s, %(upper)s, 0.5, 'test', day - 60, %(night)s::date - 1, 60
from generate_series(%(night)s::date, %(night)s::date + 29, interval '1 day') as g (at), date(at) as day
returning 1"""
FOUND = """
select a.day, p.name, a.model_name, a.kind, a.actual_usd, a.muted_at is not null, a.attribution
from public.anomalies as a left join public.providers as p on a.provider_id = p.id
where a.user_id = %s order by 1, 2 nulls first, 3 nulls first"""


def seen(**changes: Any) -> Seen:
    """A day of $18.40 where $4 was usual."""
    values = {"actual": "18.40", "expected": "4", "lower_95": "2", "upper_95": "7", "spent_before": "112"}
    amounts = {name: Decimal(changes.pop(name, value)) for name, value in values.items()}
    day = Seen(uuid4(), YESTERDAY, None, age_days=1, usual_days=28, days_above=0, **amounts)
    return day._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "is_said"),
    [
        ({}, True),
        ({"actual": "5.90", "upper_95": "5"}, False),  # less than half the usual beyond what was expected
        ({"actual": "0.90", "expected": "0.01", "upper_95": "0.02", "spent_before": "0.28"}, False),  # cents
        ({"actual": "0", "days_above": 28}, False),  # data may still come
        ({"actual": "0", "days_above": 28, "age_days": 2}, True),
        ({"actual": "0", "days_above": 27, "age_days": 2}, False),  # a day of nothing among others
    ],
)
def test_a_day_is_said_when_it_matters(changes: dict[str, Any], is_said: bool) -> None:
    assert is_worth_saying(seen(**changes)) == is_said


def forecast(
    house: House, user: UUID, night: date, provider: str | None = None, expected: int = 4, spread: int = 2
) -> None:
    """What a night had predicted for each of 30 days."""
    keys: Mapping[str, Any] = {
        "run": uuid4(),
        "user": user,
        "provider": provider,
        "night": night,
        "expected": expected,
        "lower": expected - spread,
        "upper": expected + spread,
    }
    house.connection.execute(ADD_FORECAST, keys)


def flag(house: House, user: UUID, today: date = AS_OF) -> Sequence[tuple[Any, ...]]:
    """What is flagged after the night of `today`."""
    house.connection.execute("select public.refresh_cost_records_daily()")
    anomalies.flag(house.connection, [Person(user, today, forecast_enabled=True)])
    return house.rows(FOUND, user)


def test_a_day_beyond_its_range_is_flagged_with_the_reasons_that_add_up(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40 + [18.0])
    forecast(house, user, YESTERDAY)
    [[day, provider, model, kind, actual, is_muted, parts]] = flag(house, user)
    assert (day, provider, model, kind, actual, is_muted) == (YESTERDAY, None, None, "spend", 18, False)
    assert sum(map(Decimal, parts.values())) == 14
    assert Decimal(parts["rest"]) == 14  # nobody counted tokens


def test_only_a_forecast_made_before_the_day_judges_it(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40 + [18.0])
    forecast(house, user, AS_OF)  # has seen yesterday, and says nothing of it
    assert flag(house, user) == []
    forecast(house, user, YESTERDAY - timedelta(days=3))
    assert len(flag(house, user)) == 1
    forecast(house, user, YESTERDAY, expected=17)  # the newest one before the day goes first
    assert flag(house, user) == []


def test_each_provider_is_judged_by_its_own_range(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40 + [12.0])
    house.add_spend(user, [8.0] * 40 + [0.5], model="claude", provider="anthropic")
    forecast(house, user, YESTERDAY, expected=12)
    forecast(house, user, YESTERDAY, "openai")
    forecast(house, user, YESTERDAY, "anthropic", expected=8)
    assert [row[1] for row in flag(house, user)] == ["openai"]
    found = flag(house, user, AS_OF + timedelta(days=1))  # by then it is sure that it was so cheap
    assert [row[1] for row in found] == ["anthropic", "openai"]


def test_a_night_restates_what_it_said_and_keeps_what_is_muted(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40 + [18.0])
    forecast(house, user, YESTERDAY)
    flag(house, user)
    house.connection.execute("update public.anomalies set muted_at = now()")
    house.add_spend(user, [2.0])
    [[_, _, _, _, actual, is_muted, _]] = flag(house, user)
    assert (actual, is_muted) == (20, True)
    house.add_spend(user, [-16.0], charge_type="credit")
    assert flag(house, user) == []


def test_what_is_older_than_a_week_stays_as_it_was_said(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40 + [18.0])
    forecast(house, user, YESTERDAY)
    flag(house, user)
    house.add_spend(user, [-14.0], charge_type="credit")
    assert YESTERDAY in [row[0] for row in flag(house, user, AS_OF + timedelta(days=LOOK_BACK_DAYS))]


def test_a_new_model_with_a_share_of_the_spend_is_flagged_once(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 40)
    house.add_spend(user, [2.0] * 3, model="=new<b>")
    house.add_spend(user, [0.2] * 3, model="small")
    [[day, _, model, kind, actual, _, parts]] = flag(house, user)
    assert (day, model, kind) == (YESTERDAY - timedelta(days=2), "=new<b>", "new_model")
    assert actual == Decimal(parts["model"]) == 6
    assert Decimal(parts["others"]) == Decimal("12.6")
    house.add_spend(user, [1.0], last_day=AS_OF - timedelta(days=30), model="=new<b>")  # it was there before
    assert flag(house, user) == []


def test_in_the_first_weeks_no_model_is_new(house: House) -> None:
    user = house.add_person()
    house.add_spend(user, [4.0] * 9)
    house.add_spend(user, [5.0] * 3, model="newer")
    assert flag(house, user) == []


def test_who_is_gone_or_wants_no_forecasts_is_passed_over(house: House) -> None:
    user, gone = house.add_person(), house.add_person()
    for person in (user, gone):
        house.add_spend(person, [4.0] * 40)
        house.add_spend(person, [4.0] * 3, model="new")
    house.connection.execute("select public.refresh_cost_records_daily()")
    house.connection.execute("delete from auth.users where id = %s", [gone])
    people = [Person(user, AS_OF, forecast_enabled=False), Person(gone, AS_OF, forecast_enabled=True)]
    anomalies.flag(house.connection, people)
    assert house.count("public.anomalies") == 0
