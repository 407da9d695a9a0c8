"""Horizontal bars, each below its name and value."""

from collections.abc import Sequence

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.scorecard import Bar
from app.ui.charts.style import add_layout, escape_name
from app.ui.theme import Palette


def shares(bars: Sequence[Bar], palette: Palette) -> go.Figure:
    """Horizontal bars of shares, each below its name and percentage; a line marks its target."""
    ordered = bars[::-1]  # Plotly draws from the bottom up
    colours = [palette.accent if bar.is_own else palette.other for bar in ordered]
    figure = horizontal_bars([min(bar.share, 1.0) for bar in ordered], colours)
    for row, bar in enumerate(ordered):
        add_label(figure, row, bar.label, f"{bar.share:.0%}", palette)
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
    return lay_out_bars(figure, len(ordered), [0, 1], palette)


def horizontal_bars(lengths: Sequence[float], colours: Sequence[str]) -> go.Figure:
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


def add_label(figure: go.Figure, row: int, name: str, value: str, palette: Palette) -> None:
    """Write name and value above the bar of a row."""
    for text, x, anchor in ((name, 0, "left"), (value, 1, "right")):
        figure.add_annotation(
            text=escape_name(text),
            x=x,
            xref="paper",
            y=row + 0.36,
            xanchor=anchor,
            showarrow=False,
            font={"size": 13, "color": palette.ink},
        )


def lay_out_bars(figure: go.Figure, rows: int, span: list[float], palette: Palette) -> go.Figure:
    """Hide the axes and make room for the labels; `span` is the range of the lengths."""
    add_layout(figure, palette, height=44 * rows + 16)
    figure.update_xaxes(visible=False, range=span)
    figure.update_yaxes(visible=False, range=[-0.5, rows - 0.35])
    return figure.update_layout(
        showlegend=False, hovermode=False, barcornerradius=4, margin={"l": 0, "r": 0, "t": 0, "b": 0}
    )
