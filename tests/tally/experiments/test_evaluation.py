"""Verdicts on experiments and the sentences that state them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from app.figures.experiment_words import list_numbers
from app.formats.text import DASH
from tally.experiments.evaluation import evaluate
from tally.experiments.experiment import Experiment, parse_experiment
from tally.experiments.words import count_missing_runs, describe_ratio, freeze, write_detail, write_verdict
from tally.statistics import Ratio
from tally.statistics.judging import Kind

START = datetime(2026, 11, 3, tzinfo=UTC)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def make(sides: list[tuple[int, float, float]], paired: bool = False, **details: Any) -> Experiment:
    """An experiment: of each variant its runs, mean cost and pass rate; the first is the baseline."""
    random = np.random.default_rng(7)
    runs, scores = [], []
    for nth, (count, mean, rate) in enumerate(sides, start=1):
        costs = mean * np.random.default_rng(1 if paired else nth).lognormal(-0.125, 0.5, count)
        passed = set(random.permutation(count)[: round(count * rate)].tolist())
        for index, cost in enumerate(costs):
            key, at = f"{nth}-{index}", (START + timedelta(minutes=index)).isoformat()
            item = f"item-{index}" if paired else None
            runs.append([key, nth, key, item, at, f"{cost:.10f}", 900, 100, 2, 1500, None, "records"])
            scores.append([key, "bool", str(int(index in passed)), "code", None])
    row = {
        **dict.fromkeys(
            ("project_id", "ends_at", "created_by", "decided_variant", "decided_at", "decided_by", "decision")
        ),
        "id": "e",
        "name": "Refunds on Haiku",
        "question": "Can refund answers move?",
        "status": "running",
        "primary_score": "policy_correct",
        "score_kind": "bool",
        "margin": "0.05",
        "min_runs": 390,
        "starts_at": START.isoformat(),
        "created_at": START.isoformat(),
        "gathered": {"matched_usd": "280"},
    }
    variants = [
        {"id": name, "nth": nth, "name": name, "is_baseline": nth == 1, "match": {"model": f"m{nth}"}}
        for nth, name in enumerate("ABCDEF"[: len(sides)], start=1)
    ]
    return parse_experiment(
        {"experiment": row | details, "variants": variants, "runs": runs, "scores": scores}
    )


def judge(experiment: Experiment) -> tuple[Any, str, str]:
    """The kind, the sentence and the detail of the first variant."""
    evaluation = evaluate(experiment)
    first = evaluation.comparisons[0]
    kind = first.verdict and first.verdict.kind
    return kind, write_verdict(experiment, evaluation, first), write_detail(experiment, evaluation, first)


def test_cheaper_at_equal_quality_is_said_with_its_intervals() -> None:
    kind, sentence, detail = judge(make([(412, 0.0418, 0.966), (398, 0.0259, 0.962)]))
    assert kind == Kind.CHEAPER
    assert sentence == "B costs 35% less (95%: 30 to 40%) at equal quality"
    assert detail == "Pass rate −0.4 points, 95% −3.1 to +2.3, margin 5. 412 and 398 runs."  # noqa: RUF001


def test_cheaper_without_proof_names_the_runs_that_are_missing() -> None:
    experiment = make([(400, 0.04, 0.9), (400, 0.02, 0.89)])
    kind, sentence, detail = judge(experiment)
    assert kind == Kind.CHEAPER_UNPROVEN
    assert sentence.endswith("; whether it is as good cannot be told")
    missing = count_missing_runs(experiment, evaluate(experiment).comparisons[0])
    assert 0 < missing < 1000
    assert f"About {missing} more runs a side would tell." in detail


@pytest.mark.parametrize(
    ("other", "kind", "sentence"),
    [
        ((400, 0.02, 0.7), Kind.WORSE, "B is worse, and costs 4"),
        ((400, 0.06, 0.9), Kind.DEARER, "B costs 5"),
        ((400, 0.04, 0.9), Kind.CANNOT_TELL, "Whether B costs less cannot be told"),
    ],
)
def test_other_verdicts_have_their_sentence(
    other: tuple[int, float, float], kind: Kind, sentence: str
) -> None:
    found = judge(make([(400, 0.04, 0.9), other]))
    assert found[0] == kind
    assert found[1].startswith(sentence)


def test_early_look_has_intervals_but_no_verdict() -> None:
    experiment = make([(120, 0.04, 0.9), (118, 0.02, 0.9)])
    kind, sentence, _ = judge(experiment)
    assert (kind, sentence) == (None, "Early look, no verdict: 120 and 118 runs, 390 a side needed")
    assert isinstance(evaluate(experiment).comparisons[0].ratios["cost"], Ratio)


def test_runs_without_a_price_or_a_score_do_not_count_towards_the_plan() -> None:
    experiment = make([(60, 0.04, 0.9), (60, 0.02, 0.9)], min_runs=60)
    assert not evaluate(experiment).is_early
    unrated = make([(60, 0.04, 0.9), (60, 0.02, 0.9)], min_runs=60, score_kind="rating")
    assert evaluate(unrated).is_early  # its scores are of another kind
    assert evaluate(unrated).base.rated == 0


def test_without_a_score_costs_alone_decide() -> None:
    experiment = make([(60, 0.04, 0.9), (60, 0.02, 0.2)], min_runs=60, primary_score=None)
    kind, sentence, _ = judge(experiment)
    assert kind == Kind.CHEAPER
    assert sentence.endswith("%)")


def test_shared_items_are_compared_item_by_item() -> None:
    alone = evaluate(make([(60, 0.04, 0.9), (60, 0.02, 0.9)], min_runs=60)).comparisons[0]
    paired = evaluate(make([(60, 0.04, 0.9), (60, 0.02, 0.9)], paired=True, min_runs=60)).comparisons[0]
    assert (alone.is_paired, paired.is_paired) == (False, True)
    one, other = alone.ratios["cost"], paired.ratios["cost"]
    assert isinstance(one, Ratio)
    assert isinstance(other, Ratio)
    assert other.high - other.low < (one.high - one.low) / 4


def test_saving_is_of_the_traffic_that_the_baseline_still_has() -> None:
    comparison = evaluate(make([(412, 0.0418, 0.966), (398, 0.0259, 0.962)])).comparisons[0]
    assert comparison.saving
    month, share = Decimal("304"), 1 - Decimal(str(comparison.ratios["cost"][0]))
    assert comparison.saving.middle == month * share
    assert comparison.saving.low < comparison.saving.middle < comparison.saving.high


def test_frozen_numbers_are_plain_json() -> None:
    experiment = make([(412, 0.0418, 0.966), (398, 0.0259, 0.962), (400, 0.03, 0.5)])
    evaluation = evaluate(experiment)
    frozen = freeze(experiment, evaluation, evaluation.comparisons[0])
    assert frozen["sentence"] == "B costs 35% less (95%: 30 to 40%) at equal quality."
    assert [each["name"] for each in frozen["variants"]] == ["B", "C"]
    assert frozen["saving_usd"].keys() == {"low", "middle", "high"}
    assert frozen["baseline"]["runs"] == 412


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (Ratio(0.62, 0.56, 0.69), ("38% less", "31 to 44%")),
        (Ratio(1.86, 1.71, 2.02), ("86% more", "71 to 102%")),
        (Ratio(0.98, 0.9, 1.05), ("2% less", "10% less to 5% more")),
        (Ratio(1.001, 0.999, 1.003), ("the same", "0 to 0%")),
    ],
)
def test_ratios_are_said_as_percentages(ratio: Ratio, words: tuple[str, str]) -> None:
    assert describe_ratio(ratio) == words


def test_people_are_believed_before_code_and_a_tie_is_no_pass() -> None:
    row = make([(1, 1, 1), (1, 1, 1)])
    answer: dict[str, Any] = {
        "experiment": {
            name: getattr(row, name)
            for name in ("id", "name", "question", "status", "project_id", "primary_score", "score_kind")
        }
        | {"margin": "0.05", "min_runs": 30, "starts_at": START.isoformat(), "ends_at": None}
        | {"created_at": START.isoformat(), "created_by": None, "decided_variant": None, "decided_at": None}
        | {"decided_by": None, "decision": None, "gathered": {}},
        "variants": [{"id": "A", "nth": 1, "name": "A", "is_baseline": True, "match": {}}],
        "runs": [
            [key, 1, key, None, START.isoformat(), None, None, None, None, None, None, "api"] for key in "xyz"
        ],
        "scores": [
            ["x", "bool", "0", "code", None],
            ["x", "bool", "1", "human", "u"],
            ["y", "bool", "1", "human", "u"],
            ["y", "bool", "0", "human", "v"],
            ["z", "bool", "1", "model", None],
        ],
    }
    runs = {run.session: (run.score, run.scored_by) for run in parse_experiment(answer).runs}
    assert runs == {"x": (Decimal(1), "human"), "y": (Decimal(0), "human"), "z": (Decimal(1), "model")}


def test_numbers_of_too_few_runs_have_no_interval() -> None:
    experiment = make([(0, 0.04, 0.9), (5, 0.02, 0.9)])
    evaluation = evaluate(experiment)
    rows = list_numbers(experiment, evaluation, evaluation.comparisons[0])
    assert {row[0]: row[3:] for row in rows if row[3] != DASH} == {
        "Pass rate, policy_correct": ("too few to say", DASH)
    }
    assert {row[4] for row in rows} == {DASH}


def test_runs_are_gathered_sooner_while_there_are_few() -> None:
    gathered = {"at": START.isoformat()}
    for runs, minutes in ((29, 2), (30, 15)):
        experiment = make([(runs, 0.04, 0.9), (40, 0.02, 0.9)], gathered=gathered)
        assert not experiment.is_outdated(START + timedelta(minutes=minutes))
        assert experiment.is_outdated(START + timedelta(minutes=minutes, seconds=1))
    assert make([(1, 0.04, 0.9)], gathered={}).is_outdated(START)
    assert not make([(1, 0.04, 0.9)], gathered={}, status="archived").is_outdated(START)
