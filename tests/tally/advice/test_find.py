"""Gates that all advice passes: enough days, enough money, once for one subject; decided experiments."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tally.advice.facts import Cell, Decided, Facts, Plan, Tokens
from tally.advice.find import find_advice
from tally.advice.findings import MAX_FOUND, Saving, select_worthwhile
from tests.tally.advice.pieces import make_piece

WINDOW = (date(2026, 9, 22), date(2026, 10, 19))
# A tier that costs twice the standard one: half of it is saved.
DEAR = Cell(
    "openai",
    "gpt-5.4",
    tier="priority",
    requests=1_000,
    cost_usd=Decimal(100),
    tokens=Tokens(uncached=20_000_000),
    active_days=20,
)
FACTS = Facts(WINDOW, Decimal(100), WINDOW[0] - timedelta(days=1), 28, [DEAR])


def kinds(facts: Facts) -> list[str]:
    return [advice.kind for advice in find_advice(facts)]


def test_four_weeks_with_usage_on_half_of_their_days_are_enough() -> None:
    assert kinds(FACTS) == ["priority"]
    assert kinds(replace(FACTS, first_day=WINDOW[0], active_days=14)) == ["priority"]


@pytest.mark.parametrize(
    "fewer", [{"active_days": 13}, {"first_day": WINDOW[0] + timedelta(days=1)}, {"first_day": None}]
)
def test_fewer_days_say_nothing(fewer: dict[str, Any]) -> None:
    assert kinds(replace(FACTS, **fewer)) == []


@pytest.mark.parametrize(
    ("spend", "mid", "is_told"), [(0, 5, True), (0, 4, False), (1_000, 20, True), (1_000, 19, False)]
)
def test_savings_are_five_dollars_and_two_percent_at_least(spend: int, mid: int, is_told: bool) -> None:
    piece = make_piece("caching", saving=Saving.exactly(Decimal(mid)))
    assert bool(select_worthwhile([piece], Decimal(spend))) == is_told


def test_what_is_unsafe_or_ends_is_told_whatever_it_saves() -> None:
    pieces = [make_piece("idle_key"), make_piece("retirement")]
    assert select_worthwhile(pieces, Decimal(10**6)) == pieces


def test_of_one_subject_the_larger_saving_is_told() -> None:
    less, more = (make_piece("repeats", saving=Saving.exactly(Decimal(usd))) for usd in (20, 30))
    assert select_worthwhile([less, more, less], Decimal(0)) == [more]


def test_no_more_are_told_than_a_page_can_hold() -> None:
    many = [make_piece("caching", subject={"model": str(n)}) for n in range(MAX_FOUND + 1)]
    assert len(select_worthwhile(many, Decimal(0))) == MAX_FOUND


def test_a_paid_amount_unlike_the_list_says_nothing() -> None:
    cheap = replace(DEAR, cost_usd=Decimal(1))
    assert kinds(replace(FACTS, cells=[cheap])) == []


def decided(**others: Any) -> Decided:
    usual: dict[str, Any] = {
        "id": "e",
        "name": "Refunds",
        "project_id": "p",
        "variant": "B",
        "baseline": "A",
        "sentence": "B costs less.",
        "matched_usd": Decimal(280),
        "saving": (Decimal(50), Decimal(60), Decimal(70)),
    }
    return Decided(**usual | others)


def test_a_decided_experiment_is_advice_with_high_confidence() -> None:
    found = find_advice(Facts(WINDOW, decided=[decided(model="x", to_model="y")]))
    assert [(one.kind, one.confidence, one.basis, one.project_id) for one in found] == [
        ("experiment", "high", "measured", "p")
    ]
    assert found[0].saving == Saving.between(Decimal(50), Decimal(70), Decimal(60))
    assert round(found[0].current_usd, 6) == 304
    assert found[0].subject["to_model"] == "y"


@pytest.mark.parametrize(
    "worse",
    [{"saving": (Decimal(-1), Decimal(6), Decimal(7))}, {"saving": (Decimal(5), Decimal(60), Decimal(700))}],
)
def test_an_experiment_that_may_cost_more_or_saves_all_is_none(worse: dict[str, Any]) -> None:
    assert find_advice(Facts(WINDOW, decided=[decided(**worse)])) == []


def test_plans_alone_are_no_advice() -> None:
    """No source would have seen their use."""
    plan = Plan("p", "chatgpt", "ChatGPT Plus", Decimal(20), started_on=WINDOW[0] - timedelta(days=400))
    assert find_advice(Facts(WINDOW, Decimal(20), plans=[plan])) == []
