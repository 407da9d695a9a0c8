"""Prices of models and sizes of what is stored over time, as steps."""

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.ui.charts.style import add_layout, escape_name
from app.ui.theme import Palette


def stored_sizes(days: Sequence[date], sizes: Mapping[str, Sequence[float]], palette: Palette) -> go.Figure:
    """Gigabytes that were stored on each day, each kind as a line."""
    figure = go.Figure()
    for nth, (name, values) in enumerate(sizes.items()):
        figure.add_scatter(
            x=list(days),
            y=list(values),
            name=escape_name(name),
            mode="lines",
            line={"shape": "hv", "width": 2, "color": palette.series[nth % len(palette.series)]},
            hovertemplate="%{y:,.3g} GB<extra>%{fullData.name}</extra>",
        )
    return add_layout(figure, palette, height=220)


def price_steps(
    days: Sequence[date], courses: Mapping[str, Sequence[float | None]], palette: Palette
) -> go.Figure:
    """Dollars for a million tokens of each model; a price holds until the next day that has another."""
    figure = go.Figure()
    for nth, (name, prices) in enumerate(courses.items()):
        figure.add_scatter(
            x=list(days),
            y=list(prices),
            name=escape_name(name),
            mode="lines",
            line={"shape": "hv", "width": 2, "color": palette.series[nth % len(palette.series)]},
            hovertemplate="$%{y:,.2f}<extra>%{fullData.name}</extra>",
        )
    return add_layout(figure, palette, height=280)
