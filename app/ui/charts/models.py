"""Charts of models: measures over time as small multiples, and latencies by percentile."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.formats.durations import format_duration
from app.ui.charts.style import add_layout, escape_name
from app.ui.charts.traces import TICKS
from app.ui.theme import Palette
from tally.traces.performance import FRACTIONS

SMALL = 150  # pixels
HOUR_HOVER = "%a %-d %b, %H:%M"
MS = 1000  # microseconds


class Line(NamedTuple):
    """A line of a chart; None is a gap. A dashed one stands behind others."""

    name: str
    values: Sequence[float | None]
    colour: str
    is_dashed: bool = False


def model_colours(palette: Palette) -> tuple[str, str]:
    """The colours of two compared models."""
    return palette.accent, palette.series[1]


def course(
    moments: Sequence[datetime], lines: Sequence[Line], palette: Palette, unit: str, is_hourly: bool = False
) -> go.Figure:
    """Lines over time; the unit is `ms`, `%`, `$` or empty for plain numbers."""
    figure = go.Figure()
    for line in lines:
        texts = [
            "" if value is None else format_duration(value * MS) if unit == "ms" else ""
            for value in line.values
        ]
        figure.add_scatter(
            x=list(moments),
            y=[value and value / 1000 if unit == "ms" else value for value in line.values],
            text=texts,
            name=escape_name(line.name),
            mode="lines+markers" if _has_lone_points(line.values) else "lines",
            marker={"size": 5, "color": line.colour},
            line={"color": line.colour, "width": 1.8, "dash": "dot" if line.is_dashed else "solid"},
            connectgaps=False,
            cliponaxis=False,  # else the axis cuts the dots of zero in half
            hovertemplate=f"{HOVERS[unit]}<extra>%{{fullData.name}}</extra>",
        )
    add_layout(figure, palette, height=SMALL, showlegend=False)
    figure.update_xaxes(nticks=4, hoverformat=HOUR_HOVER if is_hourly else "%a %-d %b")
    if is_hourly:
        figure.update_xaxes(dtick=None, tickformat="%-d %b" if len(moments) > 24 else "%H:%M")
    if unit != "$":
        figure.layout.yaxis.tickformatstops = None
    figure.update_yaxes(nticks=4, **AXES.get(unit, {}))
    return figure


def _has_lone_points(values: Sequence[float | None]) -> bool:
    """True if a line would not show some value, which has a gap on both sides."""
    padded = [None, *values, None]
    return any(
        here is not None and before is None and after is None
        for before, here, after in zip(padded, padded[1:], padded[2:], strict=False)
    )


HOVERS = {"ms": "%{text}", "%": "%{y:.2%}", "$": "%{y:$,.4~f}", "": "%{y:,.4~r}"}
AXES: dict[str, dict[str, str]] = {
    "ms": {"ticksuffix": " s", "tickformat": "~g"},
    "%": {"tickformat": "~%"},
    "": {"tickformat": ",~r"},
}


def latency_curve(lines: Sequence[Line], palette: Palette) -> go.Figure:
    """Latencies in ms by percentile, on a scale of powers of ten."""
    figure = go.Figure()
    names = [f"p{percent}" for percent in FRACTIONS]
    for line in lines:
        figure.add_scatter(
            x=names,
            y=[None if value is None else max(value, 1) * MS for value in line.values],
            text=["" if value is None else format_duration(value * MS) for value in line.values],
            name=escape_name(line.name),
            mode="lines+markers",
            marker={"size": 7, "color": line.colour},
            line={"color": line.colour, "width": 2},
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
    add_layout(figure, palette, height=330, showlegend=False)
    figure.update_xaxes(type="category", tickformat="", nticks=0)
    figure.layout.yaxis.tickformatstops = None
    figure.update_yaxes(
        type="log",
        rangemode="normal",
        tickvals=list(TICKS),
        ticktext=list(TICKS.values()),
    )
    return figure
