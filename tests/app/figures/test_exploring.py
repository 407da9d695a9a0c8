"""Questions about costs and the reading of answers."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.figures.exploring import Question, find_last_year, read_answer
from tests.every_case import every_case

FIGURES = {"requests": 3, "records": 4, "unpriced_records": 1}
ANSWER: dict[str, Any] = {
    "total": {"value": "6.5", **FIGURES},
    "groups": 1203,
    "overlaps": False,
    "parts": [
        {
            "kind": "value",
            "groups": 1,
            "keys": [{"kind": "value", "value": "a"}, {"kind": "none", "value": None}],
            "value": "4.5",
            **FIGURES,
        },
        {
            "kind": "value",
            "groups": 1,
            "keys": [{"kind": "hidden", "value": None}, {"kind": "hidden", "value": None}],
            "value": None,
            **FIGURES,
        },
        {"kind": "rest", "groups": 1201, "keys": [], "value": "2", **FIGURES},
    ],
    "points": {"part": [0, 2], "at": ["2026-05-01", None], "value": ["4.5", None]},
}


def name(dimension: str, kind: str, value: str | None) -> str:
    return f"{dimension} {value or kind}"


def test_answer_is_read_with_names_and_exact_money() -> None:
    explored = read_answer(Question(date(2026, 5, 1), date(2026, 5, 2), by=("branch", "model")), ANSWER, name)
    assert [group.label for group in explored.groups] == [
        "branch a · model none",
        "branch hidden · model hidden",
        "Other (1,201)",
    ]
    assert [group.value for group in explored.groups] == [Decimal("4.5"), None, Decimal(2)]
    assert [group.is_filterable for group in explored.groups] == [True, False, False]
    assert (explored.total.kind, explored.total.value, explored.group_count) == ("all", Decimal("6.5"), 1203)
    labels = [explored.groups[point.group].label for point in explored.points]
    assert labels == ["branch a · model none", "Other (1,201)"]
    assert [point.value for point in explored.points] == [Decimal("4.5"), None]


@every_case(
    [
        ("spend", "money"),
        ("cost_per_request", "money"),
        ("cache_savings", "money"),
        ("requests", "requests"),
        ("tokens", "tokens"),
        ("cache_read_tokens", "tokens"),
    ]
)
def test_measures_have_units(measure: str, unit: str) -> None:
    assert Question(date(2026, 5, 1), date(2026, 5, 1), measure).unit == unit


@given(first=st.dates(date(2021, 1, 1), date(2030, 1, 1)))
def test_last_year_is_the_same_days_where_they_exist(first: date) -> None:
    before = find_last_year(Question(first, first)).first
    assert (before.year, before.month) == (first.year - 1, first.month)
    assert before.day == (28 if (first.month, first.day) == (2, 29) else first.day)
