"""How good forecasts were: errors, ranges and confidence against what came, beside what others had said.

Errors are in units of the series. TOT: how far the 30-day total was off, BIAS with its sign, wQL the error of
the ranges, all of the series' mean; MASE and RMSSE of what changes from one week to the next. c80 and c95 are
percent of days inside the ranges, up80 and up95 above them, T80 and T95 percent of totals inside theirs.
Every series counts the same.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecasting.evaluation.baselines import QUANTILES, SIMPLE
from forecasting.evaluation.cutoffs import Origin
from forecasting.evaluation.replay import Made
from forecasting.model.intervals import HORIZON_DAYS, Total
from forecasting.model.level import Array

OURS = "Tally"
MEASURES = ("TOT", "BIAS", "MASE", "RMSSE", "wQL", "c80", "c95", "up80", "up95", "T80", "T95")
TINY = 1e-9


class Row(NamedTuple):
    """One method's figures at one origin; NaN where a method says nothing."""

    unique_id: str
    family: str
    history: str
    method: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure between two limits, either of which may be missing."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the figure keeps the limits; NaN does not."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)


def score_made(made: Made) -> Row:
    """The figures of our forecast."""
    bounds = made.bounds
    quantiles = np.array([bounds.lower_95, bounds.lower_80, made.predicted, bounds.upper_80, bounds.upper_95])
    return score_quantiles(made.origin, OURS, quantiles, made.total)


def score_simple(origin: Origin) -> list[Row]:
    """The figures of the guesses that anyone would make."""
    return [score_quantiles(origin, name, guess(origin.history)) for name, guess in SIMPLE.items()]


def score_quantiles(origin: Origin, method: str, quantiles: Array, total: Total | None = None) -> Row:
    """The figures of one forecast: `quantiles` has a row for each of QUANTILES, a column for each day."""
    actual = origin.actual
    known = quantiles[:, : len(actual)]
    error = actual - known[2]
    mean_change, change, mean = _units_of(origin.series.y)
    below = actual - known
    figures = {
        "TOT": abs(error.sum()) / len(actual) / mean,
        "BIAS": -error.sum() / len(actual) / mean,
        "MASE": np.abs(error).mean() / mean_change,
        "RMSSE": np.sqrt((error**2).mean()) / change,
        "wQL": 2 * np.maximum(QUANTILES[:, None] * below, (QUANTILES[:, None] - 1) * below).mean() / mean,
        "c80": _percent((actual >= known[1]) & (actual <= known[3]), known),
        "c95": _percent((actual >= known[0]) & (actual <= known[4]), known),
        "up80": _percent(actual > known[3], known),
        "up95": _percent(actual > known[4], known),
    }
    if total is not None and len(actual) == HORIZON_DAYS:
        spent = actual.sum()
        figures["T80"] = 100.0 * (total.lower_80 <= spent <= total.upper_80)
        figures["T95"] = 100.0 * (total.lower_95 <= spent <= total.upper_95)
    history = _describe_history(len(origin.history))
    return Row(origin.series.unique_id, origin.series.family, history, method, figures)


def _percent(days: "np.typing.NDArray[np.bool_]", quantiles: Array) -> float:
    return float("nan") if np.isnan(quantiles).any() else 100 * float(days.mean())


def _units_of(y: Array) -> tuple[float, float, float]:
    changes = y[7:] - y[:-7] if len(y) > 7 else np.zeros(1)
    return (
        max(float(np.abs(changes).mean()), TINY),
        max(float(np.sqrt((changes**2).mean())), TINY),
        max(float(y.mean()), TINY),
    )


def _describe_history(days: int) -> str:
    return "to 30 days" if days <= 30 else "31 to 120 days" if days <= 120 else "over 120 days"


def average(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, dict[str, float]]:
    """For each key the mean figures: over a series' origins first, then over series."""
    found: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for row in rows:
        for measure, figure in row.figures.items():
            found[key(row)][measure][row.unique_id].append(figure)
    return {
        name: {
            measure: float(np.mean([np.mean(figures) for figures in by_series.values()]))
            for measure, by_series in measures.items()
        }
        for name, measures in found.items()
    }


def calculate_rank_correlation(made: Sequence[Made]) -> float:
    """Spearman's correlation of confidence with how little the 30-day total was off, of what came."""
    whole = [one for one in made if len(one.origin.actual) == HORIZON_DAYS]
    spent = np.array([one.origin.actual.sum() for one in whole])
    off = np.abs(np.array([one.total.predicted for one in whole]) - spent) / np.maximum(spent, TINY)
    confidence = np.array([one.confidence for one in whole])
    if len(whole) < 2:
        return float("nan")
    return float(np.corrcoef(_ranks(confidence), _ranks(-off))[0, 1])


def _ranks(values: Array) -> Array:
    # Equal values share the middle of their places.
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Array = ((last - count + 1 + last) / 2)[place]
    return ranks


def calculate_bars(rows: Sequence[Row], made: Sequence[Made]) -> list[Bar]:
    """The figures that must hold."""
    means = average(rows, lambda row: row.method)
    ours, naive = means[OURS], means["seasonal naive"]
    others = {
        name: figures["TOT"]
        for name, figures in means.items()
        if name not in (OURS, "naive", "seasonal naive")
    }
    best = min(others, key=others.__getitem__)
    return [
        Bar("30-day total error / seasonal naive", ours["TOT"] / naive["TOT"], most=0.85),
        Bar(
            f"30-day total error / best of {len(others)} others ({best})",
            ours["TOT"] / others[best],
            most=0.98,
        ),
        Bar("RMSSE / seasonal naive", ours["RMSSE"] / naive["RMSSE"], most=0.80),
        Bar("wQL / seasonal naive", ours["wQL"] / naive["wQL"], most=0.74),
        Bar("% of days in their 95% range", ours["c95"], 93, 97),
        Bar("% of days above their 80% range", ours["up80"], 7.5, 12.5),
        Bar("% of days above their 95% range", ours["up95"], 1, 4),
        Bar("% of totals in their 80% range", ours["T80"], 75, 85),
        Bar("% of totals in their 95% range", ours["T95"], 92, 98),
        Bar("confidence with small relative error, Spearman", calculate_rank_correlation(made), 0.40),
    ]


def render_score(rows: Sequence[Row], made: Sequence[Made]) -> str:
    """All of it as text: a table of methods, then by history and by family, then the bars."""
    parts = [_render_table("method", average(rows, lambda row: row.method), MEASURES)]
    methods = tuple(dict.fromkeys(row.method for row in rows))
    parts.append(_render_parts("TOT by history", rows, lambda row: row.history, methods))
    parts.append(_render_parts("TOT by family", rows, lambda row: row.family, methods))
    parts.append("\n".join(map(render_bar, calculate_bars(rows, made))))
    return "\n\n".join(parts)


def render_bar(bar: Bar) -> str:
    """One line."""
    limits = [f"at least {bar.least:g}"] if bar.least is not None else []
    limits += [f"at most {bar.most:g}"] if bar.most is not None else []
    return f"{bar.name:58} {bar.value:7.3f}  ({' and '.join(limits)}: {'kept' if bar.holds else 'MISSED'})"


def _render_parts(
    title: str, rows: Sequence[Row], part_of: Callable[[Row], str], methods: Sequence[str]
) -> str:
    ours = average([row for row in rows if row.method == OURS], part_of)
    ranges = ("c80", "c95", "up80", "up95", "T80", "T95")
    table = {part: {name: figures.get(name, np.nan) for name in ranges} for part, figures in ours.items()}
    for method in methods:
        means = average([row for row in rows if row.method == method], part_of)
        for part, figures in means.items():
            table[part][method] = figures["TOT"]
    return _render_table(title, table, (*methods, *ranges))


def _render_table(title: str, table: Mapping[str, Mapping[str, float]], columns: Sequence[str]) -> str:
    lines = [f"{title:16}" + "".join(f"  {column:>{_width(column)}}" for column in columns)]
    for name, figures in table.items():
        cells = ((figures.get(column, np.nan), _width(column)) for column in columns)
        lines.append(f"{name:16}" + "".join(f"  {_cell(figure):>{width}}" for figure, width in cells))
    return "\n".join(lines)


def _width(column: str) -> int:
    return max(6, len(column))


def _cell(figure: float) -> str:
    if np.isnan(figure):
        return "-"
    return f"{figure:.1f}" if abs(figure) >= 5 else f"{figure:.3f}"
