"""Explore by ClickHouse: the answer of Postgres to the last digit, for any question and reader."""

import json
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.analytics.building import rebuild
from tally.analytics.exploration import Question
from tally.analytics.exploring import explore_costs
from tally.analytics.shipping import Shipper
from tests.database.test_explore_costs import PRICES, Asked, Scene, make_scene, questions
from tests.database_fixtures import Project


@pytest.fixture(scope="module")
def scene(module_project: Project, engine: Any) -> Iterator[Scene]:
    with module_project.connect() as database:
        rebuild(database, engine, replaces=True)
        yield make_scene(module_project, database)


def read_question(scene: Scene, asked: Asked) -> Question:
    """A question with the rights of its reader."""
    arguments = {
        "measure": asked.measure,
        "by": list(asked.by),
        "filters": asked.filters,
        "granularity": asked.granularity,
        "top_n": asked.top,
        "prices": PRICES,
    }
    rights = asked.put(scene, "explore_rights")
    return Question.read(arguments, rights)


def compare(answer: Any, has_unpriced: bool) -> Any:
    """An answer without the zeros at the ends of its numbers."""

    def parse(value: Any) -> Any:
        return None if value is None else Decimal(value).normalize(Context(prec=200))

    def figures(part: dict[str, Any]) -> dict[str, Any]:
        ignored = {} if has_unpriced else {"unpriced_records": None}
        return {**part, "value": parse(part["value"]), **ignored}

    points = answer["points"]
    return {
        **answer,
        "total": figures(answer["total"]),
        "parts": [figures(part) for part in answer["parts"]],
        "points": {**points, "value": [parse(value) for value in points["value"]]},
    }


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_engines_answer_the_same(scene: Scene, engine: Any, data: st.DataObject) -> None:
    asked = data.draw(questions(scene))
    scene.database.execute(
        "update public.workspaces set person_split = %s, timezone = %s where id = %s",
        [asked.split, asked.zone, scene.team.id],
    )
    Shipper(scene.database, engine).ship_all()  # dates follow the zone
    question = read_question(scene, asked)
    # Sums of days do not know which of their records read from a cache.
    has_unpriced = asked.measure != "cache_savings" or not question.is_of_days
    found = explore_costs(engine, question)
    assert compare(found, has_unpriced) == compare(asked.put(scene), has_unpriced)
    assert json.dumps(found)
