"""Accuracy of forecasts beside baselines: errors, coverage of ranges, and rank correlation of confidence.

TOT is the absolute error of the 30-day total, BIAS its signed error, and wQL the weighted quantile loss, all
relative to the series' mean. MASE and RMSSE are scaled by the series' week-over-week change.
c80 and c95 are the percentage of days inside the ranges, up80 and up95 of days above them, T80 and T95 of
totals inside theirs. Every series has the same weight, except in the coverage by weekday, which counts all
days with spend alike.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecasting.evaluation.baselines import QUANTILES, SIMPLE_BASELINES
from forecasting.evaluation.cutoffs import Cutoff
from forecasting.evaluation.replay import CutoffForecast
from forecasting.model.intervals import HORIZON_DAYS, Total
from forecasting.model.level import Array
from tally.core.text import plural

OURS = "Tally"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEW_FORECASTS = 20  # a share of fewer totals moves by more than 10 points with two of them
MEASURES = ("TOT", "BIAS", "MASE", "RMSSE", "wQL", "c80", "c95", "up80", "up95", "T80", "T95")
TINY = 1e-9


class Row(NamedTuple):
    """One method's figures at one cutoff; NaN where the method gives none."""

    unique_id: str
    family: str
    history: str
    method: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """An acceptance criterion: a figure with a minimum, a maximum or both."""

    name: str
    value: float
    minimum: float | None = None
    maximum: float | None = None

    @property
    def holds(self) -> bool:
        """Return whether the figure is within its limits; NaN is not."""
        is_above = self.minimum is None or self.value >= self.minimum
        return is_above and (self.maximum is None or self.value <= self.maximum)


def score_forecast(forecast: CutoffForecast) -> Row:
    """Score a forecast of Tally."""
    low_95, low_80, high_80, high_95 = forecast.bounds
    quantiles = np.array([low_95, low_80, forecast.predicted, high_80, high_95])
    return score_quantiles(forecast.cutoff, OURS, quantiles, forecast.total)


def score_simple_baselines(cutoff: Cutoff) -> list[Row]:
    """Score the naive baselines."""
    return [
        score_quantiles(cutoff, name, baseline(cutoff.history)) for name, baseline in SIMPLE_BASELINES.items()
    ]


def score_quantiles(cutoff: Cutoff, method: str, quantiles: Array, total: Total | None = None) -> Row:
    """Score one forecast; `quantiles` has a row for each of QUANTILES and a column for each day."""
    figures = _score_days(cutoff, quantiles)
    if total is not None and len(cutoff.actual) == HORIZON_DAYS:
        figures |= _score_total(total, cutoff.actual.sum())
    history = _describe_history(len(cutoff.history))
    return Row(cutoff.series.unique_id, cutoff.series.family, history, method, figures)


def _score_days(cutoff: Cutoff, quantiles: Array) -> dict[str, float]:
    actual = cutoff.actual
    known = quantiles[:, : len(actual)]
    error = actual - known[2]
    mean_change, change, mean = _units_of(cutoff.series.y)
    below = actual - known
    return {
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


def _score_total(total: Total, spent: float) -> dict[str, float]:
    return {
        "T80": 100.0 * (total.lower_80 <= spent <= total.upper_80),
        "T95": 100.0 * (total.lower_95 <= spent <= total.upper_95),
    }


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
    """Mean figures by key: averaged over a series' cutoffs first, then over series."""
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


def calculate_rank_correlation(forecasts: Sequence[CutoffForecast]) -> float:
    """Spearman's correlation of confidence with the relative accuracy of the 30-day total."""
    whole = [each for each in forecasts if len(each.cutoff.actual) == HORIZON_DAYS]
    if len(whole) < 2:
        return float("nan")
    spent = np.array([each.cutoff.actual.sum() for each in whole])
    errors = np.abs(np.array([each.total.predicted for each in whole]) - spent) / np.maximum(spent, TINY)
    confidence = np.array([each.confidence for each in whole])
    return float(np.corrcoef(_ranks(confidence), _ranks(-errors))[0, 1])


def _ranks(values: Array) -> Array:
    # Equal values get their mean rank.
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Array = ((last - count + 1 + last) / 2)[index]
    return ranks


def calculate_bars(rows: Sequence[Row], forecasts: Sequence[CutoffForecast]) -> list[Bar]:
    """The acceptance criteria with their current figures."""
    means = average(rows, lambda row: row.method)
    ours, naive = means[OURS], means["seasonal naive"]
    return [
        Bar("30-day total error / seasonal naive", ours["TOT"] / naive["TOT"], maximum=0.76),
        _calculate_best_baseline_bar(means),
        Bar("RMSSE / seasonal naive", ours["RMSSE"] / naive["RMSSE"], maximum=0.77),
        Bar("wQL / seasonal naive", ours["wQL"] / naive["wQL"], maximum=0.72),
        *_calculate_weekday_bars(forecasts),
        Bar("% of days in their 95% range", ours["c95"], 93, 97),
        Bar("% of days above their 80% range", ours["up80"], 7.5, 12.5),
        Bar("% of days above their 95% range", ours["up95"], 1, 4),
        Bar("% of totals in their 80% range", ours["T80"], 77, 83),
        Bar("% of totals in their 95% range", ours["T95"], 92, 98),
        Bar("confidence with small relative error, Spearman", calculate_rank_correlation(forecasts), 0.40),
    ]


def calculate_weekday_coverage(forecasts: Iterable[CutoffForecast]) -> dict[str, tuple[int, float]]:
    """By weekday: the number of known days with spend, and the percentage inside their 80% range."""
    inside: dict[str, list[bool]] = {weekday: [] for weekday in WEEKDAYS}
    for each in forecasts:
        for ahead, actual in enumerate(each.cutoff.actual):
            if actual > 0:
                weekday = WEEKDAYS[(each.cutoff.day.weekday() + 1 + ahead) % 7]
                lower, upper = each.bounds.lower_80[ahead], each.bounds.upper_80[ahead]
                inside[weekday].append(bool(lower <= actual <= upper))
    return {weekday: (len(days), 100 * float(np.mean(days))) for weekday, days in inside.items() if days}


def _calculate_weekday_bars(forecasts: Iterable[CutoffForecast]) -> list[Bar]:
    coverage = {weekday: share for weekday, (_, share) in calculate_weekday_coverage(forecasts).items()}
    if not coverage:
        return []
    low, high = min(coverage, key=coverage.__getitem__), max(coverage, key=coverage.__getitem__)
    name = "% of days with spend in their 80% range"
    return [
        Bar(f"{name}, {low} (lowest)", coverage[low], minimum=75),
        Bar(f"{name}, {high} (highest)", coverage[high], maximum=85),
    ]


def _calculate_best_baseline_bar(means: Mapping[str, Mapping[str, float]]) -> Bar:
    others = {name: means[name]["TOT"] for name in means if name not in (OURS, "naive", "seasonal naive")}
    best = min(others, key=others.__getitem__)
    name = f"30-day total error / best of {len(others)} other baselines ({best})"
    return Bar(name, means[OURS]["TOT"] / others[best], maximum=0.98)


def render_score(rows: Sequence[Row], forecasts: Sequence[CutoffForecast]) -> str:
    """Render a table of methods, tables by history and by family, and the bars."""
    methods = tuple(dict.fromkeys(row.method for row in rows))
    return "\n\n".join(
        [
            _render_table("method", average(rows, lambda row: row.method), MEASURES),
            _render_groups("TOT by history", rows, lambda row: row.history, methods),
            _render_groups("TOT by family", rows, lambda row: row.family, methods),
            _render_weekdays(forecasts),
            "\n".join(map(render_bar, calculate_bars(rows, forecasts))),
            *([_describe_few(len(forecasts))] if len(forecasts) < FEW_FORECASTS else []),
        ]
    )


def _render_weekdays(forecasts: Sequence[CutoffForecast]) -> str:
    table = {
        weekday: {"days": float(days), "c80": share}
        for weekday, (days, share) in calculate_weekday_coverage(forecasts).items()
    }
    return _render_table("days with spend", table, ("days", "c80"))


def _describe_few(forecasts: int) -> str:
    return (
        f"These are figures of {plural(forecasts, 'forecast')}: too few to judge by. "
        f"Add series or cutoffs, {FEW_FORECASTS} forecasts at least."
    )


def render_bar(bar: Bar) -> str:
    """Render one line."""
    limits = [f"at least {bar.minimum:g}"] if bar.minimum is not None else []
    limits += [f"at most {bar.maximum:g}"] if bar.maximum is not None else []
    return f"{bar.name:66} {bar.value:7.3f}  ({' and '.join(limits)}: {'met' if bar.holds else 'MISSED'})"


def _render_groups(
    title: str, rows: Sequence[Row], group_of: Callable[[Row], str], methods: Sequence[str]
) -> str:
    ours = average([row for row in rows if row.method == OURS], group_of)
    ranges = ("c80", "c95", "up80", "up95", "T80", "T95")
    table = {group: {name: figures.get(name, np.nan) for name in ranges} for group, figures in ours.items()}
    for method in methods:
        means = average([row for row in rows if row.method == method], group_of)
        for group, figures in means.items():
            table[group][method] = figures["TOT"]
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
    if abs(figure) >= 1000:
        return f"{figure:.0f}"
    return f"{figure:.1f}" if abs(figure) >= 5 else f"{figure:.3f}"
