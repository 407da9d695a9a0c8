"""Steps of time of a chart, and the values at them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.figures.explore_series import begin_with_costs, fill, list_moments, parse_moment, sum_by_moment
from app.figures.explore_words import choose_granularity, describe_groups, describe_split

FIRST = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(FIRST, st.integers(0, 400), st.sampled_from(["hour", "day", "week", "month"]))
def test_every_day_of_a_period_is_in_one_step(first: date, length: int, granularity: str) -> None:
    last = first + timedelta(days=length)
    moments = [moment for moment in list_moments(granularity, first, last) if isinstance(moment, datetime)]
    assert moments == sorted(set(moments))
    for day in (first, first + timedelta(days=length // 2), last):
        step = max(moment for moment in moments if moment.date() <= day)
        assert {"hour": step.date() == day, "day": step.date() == day, "month": step.month == day.month}.get(
            granularity, (day - step.date()).days < 7
        )
    assert moments[-1].date() <= last


def test_weeks_begin_on_the_monday_before_the_period() -> None:
    assert list_moments("week", date(2026, 11, 18), date(2026, 11, 24)) == [
        parse_moment("2026-11-16"),
        parse_moment("2026-11-23"),
    ]


def test_cycles_have_all_their_steps_whatever_the_period() -> None:
    day = date(2026, 11, 18)
    assert list_moments("weekday", day, day) == [1, 2, 3, 4, 5, 6, 7]
    assert len(list_moments("weekday_hour", day, day)) == 168


def test_steps_without_points_are_zero_or_a_gap() -> None:
    moments = list_moments("day", date(2026, 11, 1), date(2026, 11, 3))
    known = {parse_moment("2026-11-02"): Decimal("1.5"), parse_moment("2026-11-03"): None}
    assert fill(known, moments) == [0.0, 1.5, None]
    assert fill(known, moments, None) == [None, 1.5, None]


def test_all_time_begins_with_the_first_costs_but_keeps_some_steps() -> None:
    moments = list_moments("day", date(2026, 1, 1), date(2026, 1, 31))
    assert begin_with_costs(moments, [parse_moment("2026-01-10")], 12) == moments[9:]
    assert begin_with_costs(moments, [parse_moment("2026-01-30")], 12) == moments[-12:]
    assert begin_with_costs(moments, [], 12) == moments


def test_groups_are_summed_by_step() -> None:
    points = [(1, Decimal("1.1")), (2, None), (1, Decimal("2.2"))]
    assert sum_by_moment(points) == {1: Decimal("3.3"), 2: Decimal(0)}


def test_asked_step_gives_way_where_a_period_is_too_long_for_it() -> None:
    assert choose_granularity("hour", 45) == "hour"
    assert choose_granularity("hour", 46) == "day"
    assert choose_granularity("day", 1_101) == "month"
    assert [choose_granularity(None, days) for days in (1, 30, 365, 2000)] == ["hour", "day", "week", "month"]
    assert choose_granularity("weekday", 2000) == "weekday"


def test_groupings_are_named_in_titles() -> None:
    assert describe_split(("branch", "api_key")) == " by branch and API key"
    assert describe_split(()) == ""
    assert describe_groups(("branch", "model")) == "Branches and models"
