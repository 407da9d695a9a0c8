"""Words of experiments and prompts claim no more than the numbers say."""

from app.figures.experiment_words import describe_needed
from app.figures.prompt_words import describe_unclear
from tally.statistics import Ratio, needed_runs


def test_needed_runs_beyond_counting_are_no_number() -> None:
    assert describe_needed(needed_runs(0.9, 0.05)).startswith("576 runs a side")
    assert describe_needed(needed_runs(0.9, 0.0001)).startswith("More than 1,000,000 runs a side")


def test_difference_that_can_be_none_is_not_called_the_same() -> None:
    sentence = describe_unclear("v1", "v2", Ratio(0.95, 0.89, 1.02, False))
    numbers = "95%: \N{MINUS SIGN}11% to +2%"
    assert sentence == f"Whether v2 costs less per call than v1 cannot be told ({numbers})."
