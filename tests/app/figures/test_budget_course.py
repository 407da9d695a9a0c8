"""The course of a budget's period, its drivers, and its chart."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures.budget_course import calculate_course
from app.figures.budget_drivers import (
    compare_models,
    is_in_daily_costs,
    list_months,
    select_scope,
    sum_months,
)
from app.ui import charts
from app.ui.theme import LIGHT
from tests.app.budgets import EVERYTHING, TODAY, status

AMOUNTS = st.dictionaries(
    st.dates(date(2026, 10, 1), TODAY), st.decimals(0, 50, places=2).map(str), min_size=1, max_size=20
)


def costs(*rows: tuple[date, str, float]) -> pd.DataFrame:
    fixed = {"provider": "openai", "cost_basis": "billed", "charge_type": "usage", "tokens": 10}
    return pd.DataFrame(
        [{"date": pd.Timestamp(day), "model": model, "cost": cost, **fixed} for day, model, cost in rows]
    )


@given(AMOUNTS, st.integers(0, 2000))
def test_course_begins_where_spend_is_and_never_falls_below_it(spent: dict[date, str], more: int) -> None:
    found = status(spent=spent)
    found = status(likely=str(found.spent + more), spent=spent)
    course = calculate_course(found)
    assert course.spent.index[0] == pd.Timestamp(2026, 11, 1)
    assert abs(course.spent.iloc[-1] - float(found.spent)) < 1e-6
    assert course.spent.is_monotonic_increasing
    assert course.ahead.iloc[0]["predicted"] == float(found.spent)
    assert abs(course.ahead.iloc[-1]["predicted"] - float(found.spent + more)) < 1e-6
    assert (course.ahead[["lower_80", "lower_95"]] >= float(found.spent) - 1e-6).all(axis=None)
    assert (course.ahead["lower_80"] <= course.ahead["upper_80"]).all()


def test_period_before_is_drawn_on_the_days_of_this_one() -> None:
    course = calculate_course(status(spent={date(2026, 10, 2): "5", date(2026, 10, 31): "7", TODAY: "1"}))
    assert course.earlier.index[0] == pd.Timestamp(2026, 11, 1)
    assert len(course.earlier) == 30, "a longer month is cut"
    assert course.earlier.iloc[1] == 5


def test_chart_has_limit_thresholds_and_ranges() -> None:
    figure = charts.budget_course(calculate_course(status(likely="500")), 600, [80, 100], LIGHT, "USD")
    assert [trace.name for trace in figure.data] == ["95% range", "80% range", "Likely", "Spent"]
    assert [shape.y0 for shape in figure.layout.shapes] == [600, 480]
    assert [note.text for note in figure.layout.annotations] == ["limit $600", "80%"]


@settings(max_examples=30)  # a chart takes 0.03 s
@given(AMOUNTS, st.integers(-100, 2000), st.floats(1, 5))
def test_axis_of_the_chart_holds_the_limit_and_every_range(
    spent: dict[date, str], more: int, width: float
) -> None:
    spent |= {TODAY: str(more)}
    found = status(spent=spent)
    course = calculate_course(status(likely=str(found.spent + 500), spent=spent))
    wide = replace(course, ahead=course.ahead.assign(upper_95=course.ahead["upper_95"] * width))
    figure = charts.budget_course(wide, 600, [], LIGHT, "USD")
    lowest, highest = figure.layout.yaxis.range
    drawn = [600.0, *(amount for trace in figure.data for amount in trace.y)]
    assert lowest <= min(drawn)
    assert highest > max(drawn)


def test_chart_without_a_forecast_has_only_what_is_spent() -> None:
    figure = charts.budget_course(
        calculate_course(status(likely=None, measure="tokens")), 600, [], LIGHT, "tokens"
    )
    assert [trace.name for trace in figure.data] == ["Spent"]
    assert figure.data[0].hovertemplate.startswith("%{y:,.0f} tokens")


def test_models_are_compared_with_the_same_days_of_the_period_before() -> None:
    daily = costs(
        (date(2026, 10, 3), "a", 5.0),
        (date(2026, 10, 25), "a", 99.0),  # later than this day
        (date(2026, 11, 3), "a", 7.0),
        (date(2026, 11, 4), "b", 30.0),
    )
    found = compare_models(daily, status())
    assert found.to_dict("records") == [
        {"model": "b", "now": 30.0, "before": 0.0, "change": 30.0},
        {"model": "a", "now": 7.0, "before": 5.0, "change": 2.0},
    ]


def test_many_models_are_summed_up_as_one() -> None:
    daily = costs(*((TODAY - timedelta(days=1), f"m{n}", float(n + 1)) for n in range(9)))
    found = compare_models(daily, status())
    assert found["model"].tolist() == ["m8", "m7", "m6", "m5", "m4", "m3", "3 more"]
    assert found["now"].sum() == daily["cost"].sum()


def test_scope_selects_what_the_budget_counts() -> None:
    daily = costs(
        (TODAY, "a", 1.0),
        (TODAY, "b", 2.0),
        (TODAY, "plan", 4.0),
        (TODAY, "tax", 8.0),
        (TODAY, "worth", 16.0),
    )
    daily["charge_type"] = ["usage", "usage", "subscription", "tax", "usage"]
    daily.loc[4, "cost_basis"] = "included"

    def total(**fields: Any) -> float:
        return float(select_scope(daily, status(**fields).budget, None)["cost"].sum())

    assert total() == 15
    assert total(counts_subscriptions=False) == 11
    assert total(counts_tax=False) == 7
    assert total(scope=replace(EVERYTHING, model_name="b")) == 2
    assert total(measure="tokens") == 31, "tokens that a plan covers are tokens"
    assert select_scope(daily, status().budget, "xai").empty
    assert not is_in_daily_costs(replace(EVERYTHING, tag="x"))


def test_months_are_whole_and_end_with_this_one() -> None:
    months = list_months(date(2026, 3, 31), 3)
    assert months == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    daily = costs((date(2026, 1, 31), "a", 2.0), (date(2026, 3, 1), "a", 3.0))
    assert sum_months(daily, "cost", months).tolist() == [2.0, 0.0, 3.0]
    assert sum_months(daily, "tokens", months).tolist() == [10.0, 0.0, 10.0]
    figure = charts.scope_months(sum_months(daily, "cost", months), float(Decimal("2.5")), LIGHT, "USD")
    assert figure.layout.shapes[0].y0 == 2.5
