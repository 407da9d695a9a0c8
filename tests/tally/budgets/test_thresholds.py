"""Thresholds: crossed once, the highest alone is sent, and nothing flickers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.budgets.budget import BudgetFacts, StoredForecast, Threshold
from tally.budgets.status import BudgetStatus, calculate_status
from tally.budgets.thresholds import OpenEvent, find_crossings, is_over
from tests.tally.budgets.test_status import TODAY, facts, predict

FIRST, LAST_MONTH = date(2026, 11, 1), date(2026, 10, 1)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def thresholds(*names: str) -> tuple[Threshold, ...]:
    """Thresholds by name, such as `actual 80`, which is their id, too."""
    found = []
    for name in names:
        kind, percent = name.split()
        found.append(Threshold(name, "actual" if kind == "actual" else "forecast", int(percent)))
    return tuple(found)


def status(
    spent: dict[date, str], names: tuple[str, ...], earlier: StoredForecast | None = None, **values: Any
) -> BudgetStatus:
    """A status of a budget of $100 with these thresholds."""
    known = {day: Decimal(amount) for day, amount in spent.items()}
    forecast, today = values.pop("forecast", None), values.pop("today", TODAY)
    values = {"created_at": BEFORE, "thresholds": thresholds(*names)} | values
    found = facts(known, forecast, today, **values)
    return calculate_status(
        BudgetFacts(found.budget, today, found.period, found.previous, known, forecast, earlier)
    )


def crossed(found: BudgetStatus, *known: tuple[str, date]) -> dict[tuple[str, date], str]:
    """The new crossings by threshold and period, with their states."""
    return {(one.threshold.id, one.period.first): one.state for one in find_crossings(found, known)}


ACTUAL = ("actual 50", "actual 80", "actual 100")


def test_of_several_crossed_at_once_only_the_highest_is_sent() -> None:
    now = status({FIRST: "85"}, ACTUAL)
    assert crossed(now) == {("actual 50", FIRST): "superseded", ("actual 80", FIRST): "open"}
    assert crossed(now, ("actual 50", FIRST), ("actual 80", FIRST)) == {}


def test_each_next_threshold_is_sent_when_it_is_crossed() -> None:
    known = (("actual 50", FIRST), ("actual 80", FIRST))
    assert crossed(status({FIRST: "100"}, ACTUAL), *known) == {("actual 100", FIRST): "open"}
    [crossing] = find_crossings(status({FIRST: "100"}, ACTUAL), known)
    assert crossing.severity == "critical"


def test_a_threshold_below_one_that_was_sent_is_not_sent() -> None:
    assert crossed(status({FIRST: "90"}, ("actual 50", "actual 80")), ("actual 80", FIRST)) == {
        ("actual 50", FIRST): "superseded"
    }


@pytest.mark.parametrize(
    ("today", "state"),
    [(date(2026, 11, 1), "open"), (date(2026, 11, 2), "open"), (date(2026, 11, 3), "late")],
)
def test_data_of_a_period_that_ended_is_sent_for_two_days_and_then_recorded(today: date, state: str) -> None:
    now = status({date(2026, 10, 30): "120"}, ("actual 50", "actual 100"), today=today)
    lower = "superseded" if state == "open" else "late"
    assert crossed(now) == {("actual 50", LAST_MONTH): lower, ("actual 100", LAST_MONTH): state}


@pytest.mark.parametrize(("since", "count"), [(date(2026, 11, 1), 0), (date(2026, 10, 31), 3)])
def test_a_threshold_says_nothing_about_a_period_that_was_over_before_it(since: date, count: int) -> None:
    known = tuple(replace(threshold, since=since) for threshold in thresholds(*ACTUAL))
    now = status({date(2026, 10, 30): "120"}, (), today=date(2026, 11, 2), thresholds=known)
    assert len(crossed(now)) == count


def test_a_paused_budget_is_silent() -> None:
    assert crossed(status({FIRST: "120"}, ACTUAL, paused_at=BEFORE)) == {}


LIKELY = predict("20")  # of eleven days: 110 to 330


def test_a_forecast_alerts_when_two_runs_agree() -> None:
    yesterday = predict("20", made_on=TODAY - timedelta(days=1))
    names = ("forecast 100",)
    assert crossed(status({}, names, forecast=LIKELY)) == {}
    assert crossed(status({}, names, earlier=predict("1"), forecast=LIKELY)) == {}
    assert crossed(status({}, names, earlier=yesterday, forecast=predict("1"))) == {}
    assert crossed(status({}, names, earlier=yesterday, forecast=LIKELY)) == {("forecast 100", FIRST): "open"}


def test_a_forecast_alerts_from_a_chance_of_three_in_four_on() -> None:
    chances = {}
    for tenths in range(80, 140):
        amount = f"{tenths / 10}"
        earlier = predict(amount, made_on=TODAY - timedelta(days=1))
        now = status({}, ("forecast 100",), earlier=earlier, forecast=predict(amount))
        chances[now.chance or 0] = bool(crossed(now))
    below = [chance for chance, alerts in chances.items() if not alerts]
    above = [chance for chance, alerts in chances.items() if alerts]
    assert 0.7 < max(below) < 0.75 <= min(above) < 0.8


def test_a_forecast_of_a_day_needs_no_other() -> None:
    forecast = predict("200", last=TODAY)
    now = status({}, ("forecast 100",), forecast=forecast, period_kind="day")
    assert crossed(now) == {("forecast 100", TODAY): "open"}


def test_without_a_forecast_nothing_is_said_however_fast_it_goes() -> None:
    assert crossed(status({FIRST + timedelta(days=nth): "4.9" for nth in range(20)}, ("forecast 100",))) == {}


def test_what_is_spent_already_is_not_predicted_as_well() -> None:
    names = ("actual 100", "forecast 100", "forecast 150")
    earlier = predict("30", made_on=TODAY - timedelta(days=1))
    now = status({FIRST: "101"}, names, earlier=earlier, forecast=predict("30"))
    assert crossed(now) == {
        ("actual 100", FIRST): "open",
        ("forecast 100", FIRST): "superseded",
        ("forecast 150", FIRST): "open",
    }


def event(threshold: str, start: date = FIRST, raised_on: date = TODAY) -> OpenEvent:
    return OpenEvent("e", threshold, start, raised_on)


@pytest.mark.parametrize(("spent", "over"), [("80", False), ("76", False), ("75.99", True)])
def test_an_event_clears_five_percent_below_its_threshold(spent: str, over: bool) -> None:
    assert is_over(status({FIRST: spent}, ACTUAL), event("actual 80")) is over


def test_an_event_of_a_limit_that_changed_or_of_a_budget_that_is_gone_clears() -> None:
    assert is_over(status({FIRST: "99"}, ACTUAL), event("a threshold of the former limit"))
    assert is_over(None, event("actual 80"))
    assert is_over(status({FIRST: "99"}, ACTUAL, paused_at=BEFORE), event("actual 80"))


def test_an_event_clears_with_its_period_and_a_late_one_two_days_after() -> None:
    of_october = event("actual 80", LAST_MONTH, date(2026, 10, 20))
    late = event("actual 80", LAST_MONTH, date(2026, 11, 1))
    for today, is_late_over in (
        (date(2026, 11, 1), False),
        (date(2026, 11, 2), False),
        (date(2026, 11, 3), True),
    ):
        now = status({date(2026, 10, 5): "99"}, ACTUAL, today=today)
        assert (is_over(now, of_october), is_over(now, late)) == (True, is_late_over)


def test_a_forecast_event_clears_below_half_and_stays_between() -> None:
    likely, even, unlikely = predict("20"), predict("9.5"), predict("5")
    outcomes = [
        is_over(status({}, ("forecast 100",), forecast=forecast), event("forecast 100"))
        for forecast in (likely, even, unlikely, None)
    ]
    assert outcomes == [False, False, True, False]


AMOUNTS = st.lists(st.decimals(Decimal(0), Decimal(40), places=2), min_size=1, max_size=40)


@given(AMOUNTS, st.lists(st.sampled_from([10, 50, 80, 90, 100, 120]), unique=True, min_size=1))
def test_over_a_month_each_threshold_is_raised_once_and_as_many_are_sent_as_are_crossed_apart(
    amounts: list[Decimal], percents: list[int]
) -> None:
    names = tuple(f"actual {percent}" for percent in percents)
    known: list[tuple[str, date]] = []
    days: dict[date, str] = {}
    for nth, amount in enumerate(amounts):
        day = FIRST + timedelta(days=nth % 20)
        days[day] = str(Decimal(days.get(day, "0")) + amount)
        found = find_crossings(status(days, names), known)
        assert sum(one.state == "open" for one in found) == (1 if found else 0)
        known += [(one.threshold.id, one.period.first) for one in found]
    assert len(known) == len(set(known))
    spent = sum(map(Decimal, days.values()))
    assert {name for name, _ in known} == {f"actual {percent}" for percent in percents if spent >= percent}
