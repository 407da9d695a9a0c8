"""Charts of prompts: estimates with their intervals, and traffic by version."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.ui.charts.style import add_layout, escape_name
from app.ui.theme import Palette

ROW_HEIGHT, AXIS_HEIGHT = 30, 44  # pixels


class Estimate(NamedTuple):
    """An estimate of a version with its bounds."""

    name: str
    value: float
    low: float
    high: float
    colour: str


def estimates(rows: Sequence[Estimate], show: Callable[[float], str], palette: Palette) -> go.Figure:
    """A dot for each estimate, with its interval as a line, in the order of the rows."""
    figure = go.Figure()
    for row in rows:
        figure.add_scatter(
            x=[row.value],
            y=[escape_name(row.name)],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.value],
                "arrayminus": [row.value - row.low],
                "thickness": 2,
                "width": 4,
                "color": row.colour,
            },
            mode="markers",
            marker={"size": 9, "color": row.colour},
            text=[f"{show(row.value)} ({show(row.low)} to {show(row.high)})"],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    height = AXIS_HEIGHT + ROW_HEIGHT * len(rows)
    add_layout(figure, palette, height=height, showlegend=False, hovermode="closest")
    ends = [bound for row in rows for bound in (row.low, row.high)]
    ticks = _choose_ticks(min(ends), max(ends))
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[show(tick) for tick in ticks],
        tickformat="",
        showgrid=True,
        gridcolor=palette.grid,
        zeroline=False,
    )
    figure.layout.yaxis.tickformatstops = None
    figure.update_yaxes(
        type="category",
        tickvals=[escape_name(row.name) for row in rows],
        ticktext=[f"{escape_name(row.name)}  <b>{show(row.value)}</b>" for row in rows],
        autorange="reversed",
        showgrid=False,
        nticks=0,
        rangemode="normal",
    )
    return figure


def traffic(
    days: Sequence[date], shares: Mapping[str, Sequence[int]], colours: Mapping[str, str], palette: Palette
) -> go.Figure:
    """Calls of each version as shares of each day's."""
    figure = go.Figure()
    for name, calls in shares.items():
        figure.add_bar(
            x=list(days),
            y=list(calls),
            name=escape_name(name),
            marker={"color": colours[name], "line": {"width": 0}},
            customdata=list(calls),
            hovertemplate="%{customdata:,} calls<extra>%{fullData.name}</extra>",
        )
    add_layout(figure, palette, height=240, showlegend=False, barmode="stack", barnorm="percent", bargap=0)
    figure.layout.yaxis.tickformatstops = None
    figure.update_yaxes(ticksuffix="%", range=[0, 100], nticks=3)
    return figure


def _choose_ticks(low: float, high: float) -> list[float]:
    """Round numbers within a range; its ends where it has fewer than two."""
    if high <= low:
        return [low]
    digit = 10.0 ** math.floor(math.log10((high - low) / 2))
    steps = [digit * factor for factor in (1, 2, 5)]
    step = max((each for each in steps if each <= (high - low) / 2), default=digit)
    ticks = [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return ticks if len(ticks) > 1 else [low, high]
