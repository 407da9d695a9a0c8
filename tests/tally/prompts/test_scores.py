"""Scores of versions: the main score, intervals, and how many runs are missing."""

from typing import Any

import pytest

from app.figures.prompt_words import compare_quality_in_words, describe_quality
from tally.prompts.scores import PromptScores, Scores, compare_scores, count_missing, read_scores
from tally.statistics import Interval, TooFew, needed_runs
from tally.statistics.quality import compare_means, rate_interval


def describe(number: int | None, values: list[float], **changes: Any) -> dict[str, Any]:
    """Scores of a version as the database describes them."""
    powers = [str(sum(value**power for value in values)) for power in range(1, 5)]
    usual = {"prompt": "refund", "told": "", "name": "correct", "kind": "bool", "margin": "0.05"}
    return usual | {"number": number, "scored": len(values), "powers": powers} | changes


def passes(passed: int, scored: int) -> list[float]:
    return [1.0] * passed + [0.0] * (scored - passed)


def scores_of(*rows: dict[str, Any]) -> PromptScores:
    return read_scores(rows)


def one(values: list[float], **changes: Any) -> Scores:
    [found] = scores_of(describe(1, values, **changes)).all
    return found


def test_main_score_is_the_one_by_which_most_runs_were_scored() -> None:
    scores = scores_of(
        describe(2, passes(10, 12)),
        describe(1, passes(9, 10)),
        describe(1, [4.0] * 21, name="tone", kind="rating"),
        describe(1, [4.0] * 50, prompt="draft", name="tone", kind="rating"),
    )
    assert [(each.number, each.name) for each in scores.of("refund")] == [(2, "correct"), (1, "correct")]
    together = scores.sum_up("refund")
    assert together is not None
    assert (together.scored, describe_quality(together)) == (22, "86.4%")
    assert scores.sum_up("nothing") is None
    assert scores.of_version("refund", 3, "") is None


def test_qualities_are_written_by_their_kind() -> None:
    assert describe_quality(one([4.0, 5.0, 4.3], kind="rating")) == "4.4 of 5"
    assert describe_quality(one([1234.56, 1000.0], kind="number")) == "1,117"


def test_intervals_are_those_of_experiments() -> None:
    assert one(passes(96, 100)).interval == rate_interval(96, 100)
    assert isinstance(one(passes(29, 29)).interval, TooFew)
    rating = one([5.0] * 29 + [1.0], kind="rating").interval
    assert isinstance(rating, Interval)
    assert 1 <= rating.low < rating.estimate < rating.high <= 5


def test_versions_are_compared_in_words() -> None:
    names = ("v7", "v8")
    base = one(passes(384, 400))
    say = compare_quality_in_words
    assert say(base, one(passes(385, 400)), names).startswith(
        "v8 is as good as v7 (correct +0.3 points, 95%: −"  # noqa: RUF001 - a minus sign
    )
    assert say(base, one(passes(384, 400)), names).startswith(
        "v8 is as good as v7 (correct ±0.0 points, 95%: −"  # noqa: RUF001 - a minus sign
    )
    assert say(base, one(passes(300, 400)), names).startswith(
        "v8 is worse than v7 (correct −21.0 points, 95%: −"  # noqa: RUF001 - a minus sign
    )
    few = one(passes(48, 50))
    missing = needed_runs(0.96, 0.05) - 50
    assert count_missing(base, few) == missing
    assert say(base, few, names) == (
        f"Whether v8 is as good cannot be told yet: about {missing} more scored runs a side would tell."
    )
    unsure = say(one([3.0, 4.0] * 20, kind="rating"), one([3.0, 4.1] * 20, kind="rating"), names)
    assert unsure == "Whether v8 is as good cannot be told yet."
    assert "compare scores in an experiment" in say(base, None, names)


def test_numbers_are_compared_as_in_experiments() -> None:
    values = [float(n % 7) for n in range(60)], [float(n % 5) for n in range(50)]
    sides = [one(each, kind="number") for each in values]
    assert compare_scores(*sides) == pytest.approx(compare_means(*values))
