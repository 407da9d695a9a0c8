"""Horizontal bars, each below its name and value."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.scorecard import Bar
from app.ui.charts.style import add_layout, escape_name
from app.ui.theme import Palette


def shares(bars: Sequence[Bar], palette: Palette) -> go.Figure:
    """Horizontal bars of shares, each below its name and percentage; a line marks its target."""
    ordered = bars[::-1]  # Plotly draws from the bottom up
    colours = [palette.accent if bar.is_own else palette.other for bar in ordered]
    figure = _draw_bars([min(bar.share, 1.0) for bar in ordered], colours)
    for row, bar in enumerate(bars):
        if bar.target is not None:
            y = len(bars) - 1 - row
            figure.add_shape(
                type="line",
                x0=bar.target,
                x1=bar.target,
                y0=y - 0.2,
                y1=y + 0.15,
                line={"color": palette.ink, "width": 2},
            )
    return add_layout(
        figure,
        palette,
        height=44 * len(bars) + 16,
        annotations=_label_bars([(bar.label, f"{bar.share:.0%}") for bar in ordered], palette),
        xaxis={"visible": False, "range": [0, 1], "fixedrange": True},
        yaxis={"visible": False, "range": [-0.5, len(bars) - 0.35], "fixedrange": True},
        showlegend=False,
        hovermode=False,
        barcornerradius=4,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )


def _draw_bars(lengths: Sequence[float], colours: Sequence[str]) -> go.Figure:
    """Thin horizontal bars, the first one at the bottom."""
    return go.Figure(
        go.Bar(
            x=list(lengths),
            y=list(range(len(lengths))),
            orientation="h",
            marker={"color": list(colours), "line_width": 0},
            width=0.26,
            hoverinfo="skip",
        )
    )


def _label_bars(texts: Sequence[tuple[str, str]], palette: Palette) -> list[dict[str, Any]]:
    """Annotations with name and value above each bar, the first one at the bottom."""
    return [
        {
            "text": escape_name(text),
            "x": x,
            "xref": "paper",
            "y": row + 0.36,
            "xanchor": anchor,
            "showarrow": False,
            "font": {"size": 13, "color": palette.ink},
        }
        for row, (name, value) in enumerate(texts)
        for text, x, anchor in ((name, 0, "left"), (value, 1, "right"))
    ]
