"""Words and rows of experiments, as pages show them."""

from collections.abc import Sequence
from decimal import Decimal

from app.formats.durations import MS, format_duration
from app.formats.money import format_unit_price
from app.formats.text import DASH
from tally.experiments.evaluation import Comparison, Evaluation, Side
from tally.experiments.experiment import Experiment, Run
from tally.experiments.words import describe_quality, describe_ratio, name_score
from tally.statistics import Ratio, TooFew
from tally.statistics.judging import Kind
from tally.statistics.power import MAX_RUNS

RATIOS = {
    "cost": "Cost",
    "latency": "Latency, mean",
    "calls": "Calls",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
}
BADGES = {
    "draft": ("Draft", ":material/edit:", "gray"),
    "running": ("Running", ":material/schedule:", "blue"),
    "decided": ("Decided", ":material/check:", "green"),
    "archived": ("Archived", ":material/archive:", "gray"),
}
READY = ("Ready to decide", ":material/check:", "green")


def find_badge(experiment: Experiment, evaluation: Evaluation) -> tuple[str, str, str]:
    """The badge of an experiment: text, icon, colour."""
    if experiment.status == "running" and not evaluation.is_early:
        return READY
    return BADGES[experiment.status]


def find_best(evaluation: Evaluation) -> Comparison:
    """The comparison to show first: the cheapest variant that is as good, else the cheapest."""

    def rank(comparison: Comparison) -> tuple[bool, float]:
        ratio = comparison.ratios["cost"]
        is_proven = comparison.verdict is not None and comparison.verdict.kind == Kind.CHEAPER
        return not is_proven, ratio.estimate if isinstance(ratio, Ratio) else float("inf")

    return min(evaluation.comparisons, key=rank)


def list_numbers(
    experiment: Experiment, evaluation: Evaluation, comparison: Comparison
) -> list[tuple[str, ...]]:
    """Rows of the table: measure, baseline, variant, difference, 95% interval."""
    base, other = evaluation.base, comparison.side
    rows = [
        ("Runs", f"{base.runs:,}", f"{other.runs:,}", DASH, DASH),
        _row("Cost per run", "cost", evaluation, comparison),
    ]
    if experiment.primary_score:
        label = f"{name_score(experiment)}, {experiment.primary_score}"
        difference = _tell(comparison.quality, describe_quality(experiment, comparison.quality))
        rows.append((label, _show_score(experiment, base), _show_score(experiment, other), *difference))
    rows += [
        _row(f"{label} per run" if name not in ("cost", "latency") else label, name, evaluation, comparison)
        for name, label in (
            ("calls", "Calls"),
            ("input_tokens", "Input tokens"),
            ("output_tokens", "Output tokens"),
            ("latency", "Latency, mean"),
        )
    ]
    slow = [_show_ms(side.p95_latency_ms) for side in (base, other)]
    return [*rows, ("Latency, p95", *slow, _compare_p95(base, other), DASH)]


def _row(label: str, name: str, evaluation: Evaluation, comparison: Comparison) -> tuple[str, ...]:
    shown = [_show_mean(name, side.means[name]) for side in (evaluation.base, comparison.side)]
    if DASH in shown:
        return (label, *shown, DASH, DASH)
    return (label, *shown, *_tell(comparison.ratios[name], describe_ratio(comparison.ratios[name])))


def _tell(result: object, words: tuple[str, str]) -> tuple[str, str]:
    """A difference and its interval; the reason for none is said above the table, and too long for a cell."""
    return (words[0], DASH) if result is None or isinstance(result, TooFew) else words


def _show_mean(name: str, mean: Decimal | None) -> str:
    if mean is None:
        return DASH
    if name == "cost":
        return format_unit_price(mean, "USD")
    if name == "latency":
        return format_duration(float(mean) * MS)
    return f"{mean:,.1f}" if mean < 100 else f"{mean:,.0f}"


def _show_ms(value: int | None) -> str:
    return DASH if value is None else format_duration(value * MS)


def _compare_p95(base: Side, other: Side) -> str:
    if not base.p95_latency_ms or not other.p95_latency_ms:
        return DASH
    change = round((other.p95_latency_ms / base.p95_latency_ms - 1) * 100)
    return f"{abs(change):,}% {'more' if change > 0 else 'less'}" if change else "the same"


def _show_score(experiment: Experiment, side: Side) -> str:
    if side.score is None:
        return DASH
    return f"{side.score:.1%}" if experiment.score_kind == "bool" else f"{side.score:.2f}"


def show_score(experiment: Experiment, run: Run) -> str:
    """A run's score in a table."""
    if run.score is None:
        return DASH
    if experiment.score_kind == "bool":
        return "Pass" if run.score else "Fail"
    return f"{run.score:.2f}".rstrip("0").rstrip(".")


def describe_left_out(experiment: Experiment, sides: Sequence[Side]) -> list[str]:
    """Sentences on what is in no comparison; nothing is dropped in silence."""
    notes = []
    left_out = int(experiment.gathered.get("left_out") or 0)
    if left_out:
        notes.append(
            f"{left_out:,} {'session is' if left_out == 1 else 'sessions are'} in two variants and left out."
        )
    without = int(experiment.gathered.get("without_session") or 0)
    if without:
        notes.append(f"{without:,} matching {'call names' if without == 1 else 'calls name'} no session.")
    unpriced = sum(side.unpriced for side in sides)
    if unpriced:
        notes.append(f"{unpriced:,} {'run has' if unpriced == 1 else 'runs have'} no cost yet.")
    unrated = sum(side.runs - side.rated for side in sides)
    if unrated and experiment.primary_score:
        notes.append(f"{unrated:,} {'run is' if unrated == 1 else 'runs are'} not scored.")
    return notes


def describe_needed(runs: int) -> str:
    """The runs that a verdict on quality needs, before the start."""
    count = f"More than {runs:,}" if runs >= MAX_RUNS else f"{runs:,}"
    return f"{count} runs a side are needed to tell, four times in five, that an equal variant is as good."
