"""Budgets in words: worst first, at risk, their scope and their period."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.figures.budget_words import (
    count_by_filter,
    describe_days,
    describe_period,
    list_scope,
    name_earlier,
    read_progress,
    sort_worst_first,
    starts_again,
    summarize,
)
from tests.app.budgets import EVERYTHING, TODAY, status

PAUSED: dict[str, Any] = {"paused_at": datetime(2026, 11, 12, tzinfo=UTC)}


def test_the_worst_budget_comes_first() -> None:
    found = [
        status(name="paused", limit="50", **PAUSED),
        status(name="unknown", likely=None),
        status(name="fine"),
        status(name="likelier", limit="450"),
        status(name="likely", limit="495"),
        status(name="over", limit="90"),
        status(name="far over", limit="40"),
    ]
    names = [one.budget.name for one in sort_worst_first(found)]
    assert names == ["far over", "over", "likelier", "likely", "fine", "unknown", "paused"]
    assert count_by_filter(found) == {"All": 7, "At risk": 4, "Paused": 1}


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (["600"], "All budgets are within their limits."),
        (["90"], "One budget is exceeded."),
        (["90", "80", "600"], "2 budgets are exceeded. The rest are within their limits."),
        (["450", "600"], "One budget is likely to be exceeded. The rest are within their limits."),
        (["90", "450"], "One budget is exceeded and one is likely to be."),
        (["90", "450", "460"], "One budget is exceeded and 2 are likely to be."),
    ],
)
def test_budgets_at_risk_are_said_in_a_sentence(limits: list[str], sentence: str) -> None:
    assert summarize([status(limit) for limit in limits]) == sentence


def test_paused_budgets_are_not_said_to_be_within_their_limits() -> None:
    paused = status("50", **PAUSED)
    assert summarize([status("90"), paused]) == "One budget is exceeded."
    assert summarize([status("600"), paused]) == "All active budgets are within their limits."
    assert summarize([status(likely=None), paused]) == "No active budget is exceeded."
    assert summarize([paused]) == "All budgets are paused."


def test_without_a_forecast_nothing_is_promised() -> None:
    assert summarize([status(likely=None)]) == "No budget is exceeded."


def test_scope_lists_all_that_must_match() -> None:
    scope = replace(EVERYTHING, project="<b>shop", provider="openai", tag="prod")
    assert list_scope(scope, {"openai": "OpenAI"}) == [
        ("folder", "<b>shop"),
        ("apartment", "OpenAI"),
        ("label", "prod"),
    ]
    assert list_scope(EVERYTHING, {}) == [("layers", "Everything")]


@pytest.mark.parametrize(
    ("kind", "day", "inside", "days", "earlier"),
    [
        ("day", 1, "today", "20 Nov 2026", "yesterday"),
        ("week", 1, "this week", "16 Nov to 22 Nov, day 5 of 7", "last week at this day"),
        ("month", 1, "in November", "November, day 20 of 30", "last month at this day"),
        ("month", 5, "since 5 Nov", "5 Nov to 4 Dec, day 16 of 30", "last month at this day"),
        ("quarter", 1, "in Q4", "October to December, day 51 of 92", "last quarter at this day"),
        ("year", 1, "in 2026", "2026, day 324 of 365", "last year at this day"),
    ],
)
def test_period_is_named(kind: str, day: int, inside: str, days: str, earlier: str) -> None:
    found = status(period_kind=kind, starts_on_day=day)
    assert (describe_period(found), describe_days(found), name_earlier(found)) == (inside, days, earlier)


def test_progress_has_no_earlier_spend_where_there_were_no_days() -> None:
    first, october = date(2026, 10, 1), date(2026, 10, 3)
    assert read_progress(status(), first).before is None
    with_october = status(spent={TODAY: "1", october: "7"})
    assert read_progress(with_october, first).before == 7
    assert read_progress(with_october, october).before is None, "not known from its first day on"
    assert read_progress(with_october, None).before is None
    assert starts_again(status()) == date(2026, 12, 1)
