"""Comparison of variants: costs, speed, tokens and quality, with a verdict once there are enough runs."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

import numpy as np

from tally.core.months import MONTH_DAYS
from tally.experiments.experiment import Experiment, Run, Variant
from tally.statistics import (
    MIN_RUNS,
    Claim,
    Interval,
    Ratio,
    TooFew,
    Verdict,
    compare_costs,
    compare_means,
    compare_paired_costs,
    compare_paired_means,
    compare_rates,
    judge,
)

ALPHA = 0.05
PAIRED_SHARE = 0.8  # of each side's runs that need a partner for a comparison item by item
MATCHED_DAYS = 28
FIGURES: Mapping[str, Callable[[Run], Decimal | int | None]] = {
    "cost": lambda run: run.cost_usd,
    "calls": lambda run: run.calls,
    "input_tokens": lambda run: run.input_tokens,
    "output_tokens": lambda run: run.output_tokens,
    "latency": lambda run: run.latency_ms,
}


@dataclass(frozen=True, slots=True)
class Side:
    """Figures of a variant: means of its runs, None where no run tells them."""

    variant: Variant
    runs: int
    rated: int
    unpriced: int
    means: Mapping[str, Decimal | None]
    p95_latency_ms: int | None
    score: Decimal | None  # mean, or the share that passed


@dataclass(frozen=True, slots=True)
class Saving:
    """US dollars a month that switching the matched traffic to a variant would save."""

    low: Decimal
    middle: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the baseline. Without a verdict it is an early look."""

    side: Side
    ratios: Mapping[str, Ratio | TooFew]
    quality: Interval | TooFew | None
    verdict: Verdict | None
    is_paired: bool
    saving: Saving | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All comparisons of an experiment."""

    base: Side
    comparisons: tuple[Comparison, ...]
    is_early: bool


def evaluate(experiment: Experiment) -> Evaluation:
    """Compare the variants; verdicts only from the planned number of runs on, over all variants at once."""
    base = _describe(experiment, experiment.baseline)
    sides = [_describe(experiment, variant) for variant in experiment.others]
    claims = [_make_claim(experiment, side.variant) for side in sides]
    is_early = min(map(_usable, (base, *sides))) < experiment.min_runs
    verdicts: Sequence[Verdict | None] = [None] * len(sides) if is_early else judge(claims)
    comparisons = tuple(
        _compare(experiment, side, claim, verdict)
        for side, claim, verdict in zip(sides, claims, verdicts, strict=True)
    )
    return Evaluation(base, comparisons, is_early)


def _usable(side: Side) -> int:
    return min(side.runs - side.unpriced, side.rated)


def _describe(experiment: Experiment, variant: Variant) -> Side:
    runs = experiment.runs_of(variant)
    scores = [run.score for run in runs if run.score is not None]
    latencies = [run.latency_ms for run in runs if run.latency_ms is not None]
    return Side(
        variant,
        len(runs),
        len(scores) if experiment.primary_score else len(runs),
        sum(run.cost_usd is None for run in runs),
        {name: _mean([read(run) for run in runs]) for name, read in FIGURES.items()},
        int(np.percentile(latencies, 95)) if len(latencies) >= MIN_RUNS else None,
        _mean(scores) if experiment.primary_score else None,
    )


def _mean(values: Sequence[Decimal | int | None]) -> Decimal | None:
    told = [Decimal(value) for value in values if value is not None]
    return sum(told, Decimal(0)) / len(told) if told else None


def _compare(experiment: Experiment, side: Side, claim: Claim, verdict: Verdict | None) -> Comparison:
    runs = experiment.runs_of(experiment.baseline), experiment.runs_of(side.variant)
    ratios = {name: _compare_figure(*runs, read, ALPHA) for name, read in FIGURES.items()}
    quality = claim.quality(ALPHA) if claim.quality else None
    is_paired = _pair(*runs, FIGURES["cost"]) is not None
    return Comparison(
        side, ratios, quality, verdict, is_paired, _calculate_saving(experiment, ratios["cost"])
    )


def _make_claim(experiment: Experiment, variant: Variant) -> Claim:
    runs = experiment.runs_of(experiment.baseline), experiment.runs_of(variant)
    return Claim(
        lambda alpha: _compare_figure(*runs, FIGURES["cost"], alpha),
        (lambda alpha: _compare_quality(experiment, *runs, alpha)) if experiment.primary_score else None,
        float(experiment.margin),
    )


def _compare_figure(
    base: Sequence[Run], other: Sequence[Run], read: Callable[[Run], Decimal | int | None], alpha: float
) -> Ratio | TooFew:
    pairs = _pair(base, other, read)
    if pairs:
        return compare_paired_costs(*pairs, alpha)
    return compare_costs(_told(base, read), _told(other, read), alpha)


def _compare_quality(
    experiment: Experiment, base: Sequence[Run], other: Sequence[Run], alpha: float
) -> Interval | TooFew:
    sides = _told(base, _score_of), _told(other, _score_of)
    if experiment.score_kind == "bool":
        passed = [round(sum(side)) for side in sides]
        return compare_rates(passed[0], len(sides[0]), passed[1], len(sides[1]), alpha)
    pairs = _pair(base, other, _score_of)
    return compare_paired_means(*pairs, alpha) if pairs else compare_means(*sides, alpha)


def _score_of(run: Run) -> Decimal | None:
    return run.score


def _told(runs: Sequence[Run], read: Callable[[Run], Decimal | int | None]) -> list[float]:
    return [float(value) for run in runs if (value := read(run)) is not None]


def _pair(
    base: Sequence[Run], other: Sequence[Run], read: Callable[[Run], Decimal | int | None]
) -> tuple[list[float], list[float]] | None:
    """Means by item of both sides, where nearly all runs have a partner."""
    sides = _group_items(base, read), _group_items(other, read)
    shared = sorted(sides[0].keys() & sides[1].keys())
    if len(shared) < MIN_RUNS:
        return None
    for items, runs in zip(sides, (base, other), strict=True):
        told = sum(read(run) is not None for run in runs)
        if sum(len(items[key]) for key in shared) < PAIRED_SHARE * told:
            return None
    return [fmean(sides[0][key]) for key in shared], [fmean(sides[1][key]) for key in shared]


def _group_items(runs: Sequence[Run], read: Callable[[Run], Decimal | int | None]) -> dict[str, list[float]]:
    items: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        if run.item_key is not None and (value := read(run)) is not None:
            items[run.item_key].append(float(value))
    return items


def _calculate_saving(experiment: Experiment, ratio: Ratio | TooFew) -> Saving | None:
    """Savings of the traffic that the baseline still has, from its last 28 complete days."""
    matched = Decimal(experiment.gathered.get("matched_usd") or 0)
    if isinstance(ratio, TooFew) or matched <= 0:
        return None
    month = matched * MONTH_DAYS / MATCHED_DAYS
    low, middle, high = (
        month * (1 - Decimal(str(share))) for share in (ratio.high, ratio.estimate, ratio.low)
    )
    return Saving(low, middle, high)
