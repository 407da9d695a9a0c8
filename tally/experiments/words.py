"""Sentences on an experiment: its verdict, its details, and the numbers that are kept with a decision."""

import math
from decimal import Decimal
from typing import Any

from tally.core.text import plural
from tally.experiments.evaluation import Comparison, Evaluation, Side
from tally.experiments.experiment import Experiment
from tally.statistics import Interval, Ratio, TooFew
from tally.statistics.judging import Kind

MINUS = "\N{MINUS SIGN}"


def write_verdict(experiment: Experiment, evaluation: Evaluation, comparison: Comparison) -> str:
    """The verdict on a variant in one sentence."""
    name = comparison.side.variant.name
    verdict = comparison.verdict
    if verdict is None:
        runs = _count_runs(evaluation, comparison)
        return f"Early look, no verdict: {runs}, {experiment.min_runs:,} a side needed"
    if verdict.kind == Kind.TOO_FEW:
        return f"Too few to say: {verdict.reason}"
    cost = _write_cost(verdict.cost)
    quality = _write_quality(verdict.quality, verdict.is_as_good)
    if verdict.kind == Kind.CHEAPER_UNPROVEN:
        return f"{name} {cost}; whether it is as good cannot be told"
    if verdict.kind == Kind.WORSE:
        return f"{name} is worse, and {cost}" if _is_told(verdict.cost) else f"{name} is worse"
    if verdict.kind == Kind.CANNOT_TELL:
        return f"Whether {name} costs less cannot be told{'; it is as good' if verdict.is_as_good else ''}"
    return f"{name} {cost}{quality}"


def write_detail(experiment: Experiment, evaluation: Evaluation, comparison: Comparison) -> str:
    """The numbers that the verdict rests on."""
    parts = []
    quality = comparison.quality
    if isinstance(quality, Interval):
        parts.append(
            f"{name_score(experiment)} {_signed(experiment, quality.estimate)}{_unit(experiment)}, "
            f"95% {_signed(experiment, quality.low)} to {_signed(experiment, quality.high)}, "
            f"margin {_plain(experiment, float(experiment.margin))}."
        )
    parts.append(
        f"{_count_runs(evaluation, comparison)}{', compared item by item' if comparison.is_paired else ''}."
    )
    missing = count_missing_runs(experiment, comparison)
    if missing:
        parts.append(f"About {plural(missing, 'more run')} a side would tell.")
    return " ".join(parts)


def count_missing_runs(experiment: Experiment, comparison: Comparison) -> int:
    """Runs a side that would likely show a variant to be as good; 0 where none are missing or none would."""
    quality, verdict = comparison.quality, comparison.verdict
    if verdict is None or verdict.kind != Kind.CHEAPER_UNPROVEN or not isinstance(quality, Interval):
        return 0
    room = float(experiment.margin) + quality.estimate
    if room <= 0:
        return 0
    runs = comparison.side.rated
    needed = math.ceil(runs * ((quality.estimate - quality.low) / room) ** 2)
    return min(max(needed - runs, 0), 100_000)


def freeze(experiment: Experiment, evaluation: Evaluation, comparison: Comparison) -> dict[str, Any]:
    """The numbers that a decision keeps."""
    saving = comparison.saving
    return {
        "sentence": write_verdict(experiment, evaluation, comparison) + ".",
        "detail": write_detail(experiment, evaluation, comparison),
        "verdict": comparison.verdict.kind.value if comparison.verdict else "early",
        "margin": str(experiment.margin),
        "min_runs": experiment.min_runs,
        "baseline": _freeze_side(evaluation.base),
        "variants": [
            _freeze_side(each.side)
            | {"ratios": {name: _freeze_result(ratio) for name, ratio in each.ratios.items()}}
            | {"quality": _freeze_result(each.quality), "is_paired": each.is_paired}
            for each in evaluation.comparisons
        ],
        "saving_usd": saving and {name: f"{getattr(saving, name):.2f}" for name in ("low", "middle", "high")},
    }


def name_score(experiment: Experiment) -> str:
    """The name of what quality is judged by."""
    return {"bool": "Pass rate", "rating": "Rating", "number": "Score"}[experiment.score_kind]


def describe_ratio(result: Ratio | TooFew) -> tuple[str, str]:
    """A ratio and its interval in words: "38% less", "31 to 44%"."""
    if isinstance(result, TooFew):
        return "too few to say", result.reason
    return _change(result.estimate), _span(result)


def _write_cost(result: Ratio | TooFew) -> str:
    if isinstance(result, TooFew):
        return "costs an unknown share"
    return f"costs {_change(result.estimate)} (95%: {_span(result)})"


def _is_told(result: Ratio | TooFew) -> bool:
    return isinstance(result, Ratio) and not result.low <= 1 <= result.high


def _write_quality(quality: Interval | TooFew | None, is_as_good: bool) -> str:
    if not isinstance(quality, Interval):
        return ""
    if quality.low > 0:
        return " at better quality"
    return " at equal quality" if is_as_good else "; whether it is as good cannot be told"


def _change(ratio: float) -> str:
    percent = round(abs(1 - ratio) * 100)
    if percent == 0:
        return "the same"
    return f"{percent:,}% {'less' if ratio < 1 else 'more'}"


def _span(result: Ratio) -> str:
    """The interval in the direction of the estimate: "31 to 44%", or "5% less to 3% more" around none."""
    low, high = round((1 - result.high) * 100), round((1 - result.low) * 100)
    if low >= 0:
        return f"{low:,} to {high:,}%"
    if high <= 0:
        return f"{-high:,} to {-low:,}%"
    return f"{high:,}% less to {-low:,}% more"


def _count_runs(evaluation: Evaluation, comparison: Comparison) -> str:
    return f"{evaluation.base.runs:,} and {comparison.side.runs:,} runs"


def _plain(experiment: Experiment, value: float) -> str:
    scaled = value * 100 if experiment.score_kind == "bool" else value
    return f"{scaled:.{1 if experiment.score_kind == 'bool' else 2}f}".rstrip("0").rstrip(".")


def _signed(experiment: Experiment, value: float) -> str:
    digits = 1 if experiment.score_kind == "bool" else 2
    scaled = round(value * 100 if experiment.score_kind == "bool" else value, digits)
    return f"{MINUS if scaled < 0 else '+'}{abs(scaled):.{digits}f}" if scaled else "±0"


def _unit(experiment: Experiment) -> str:
    return " points" if experiment.score_kind == "bool" else ""


def describe_quality(experiment: Experiment, result: Interval | TooFew | None) -> tuple[str, str]:
    """A difference of quality and its interval in words: "+0.4 points", "+0.1 to +2.3"."""
    if result is None:
        return "not rated", ""
    if isinstance(result, TooFew):
        return "too few to say", result.reason
    span = f"{_signed(experiment, result.low)} to {_signed(experiment, result.high)}"
    return _signed(experiment, result.estimate) + _unit(experiment), span


def _freeze_side(side: Side) -> dict[str, Any]:
    return {
        "name": side.variant.name,
        "match": dict(side.variant.match),
        "runs": side.runs,
        "rated": side.rated,
        "unpriced": side.unpriced,
        "means": {name: _write_decimal(value) for name, value in side.means.items()},
        "score": _write_decimal(side.score),
        "p95_latency_ms": side.p95_latency_ms,
    }


def _freeze_result(result: Interval | Ratio | TooFew | None) -> dict[str, Any] | None:
    return None if result is None else dict(result._asdict())


def _write_decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.10f}"
