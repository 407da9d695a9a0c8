"""Spend by project or person."""

import pandas as pd

from app.figures.parts import REST, count_rest, sum_by_part
from tally.storage.unnamed import OTHER_PROJECTS, UNASSIGNED

NAMED = {"a": "Alpha", "b": "Beta", "c": "Gamma"}


def split(**costs: float) -> pd.DataFrame:
    return pd.DataFrame({"part": list(costs), "cost": list(costs.values())})


def test_named_parts_come_first_by_cost_and_the_unnamed_last() -> None:
    money = pd.concat(
        [split(a=1, b=5), pd.DataFrame({"part": [UNASSIGNED, OTHER_PROJECTS], "cost": [9.0, 2.0]})]
    )

    assert list(sum_by_part(money, NAMED, 8).items()) == [
        ("b", 5),
        ("a", 1),
        (OTHER_PROJECTS, 2),
        (UNASSIGNED, 9),
    ]


def test_parts_beyond_the_limit_are_one_and_nothing_is_lost() -> None:
    money = split(a=1, b=5, c=2)

    assert list(sum_by_part(money, NAMED, 1).items()) == [("b", 5), (REST, 3)]
    assert count_rest(money, NAMED, 1) == 2
    assert count_rest(money, NAMED, 3) == 0


def test_no_spend_has_no_parts() -> None:
    assert sum_by_part(split(), NAMED, 8).empty
