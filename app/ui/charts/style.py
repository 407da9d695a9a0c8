"""Layout, axes, colours and money labels of all charts."""

from datetime import date
from html import escape, unescape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.formats.currency import count_decimals, currency_symbol
from app.formats.text import shorten
from app.formats.units import TOKENS
from app.ui.theme import Palette

FONT = "Inter, system-ui, sans-serif"
CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
WEEKLY_FROM_DAYS = 120
MAX_LABEL = 40  # characters
MOST_TICKS = 6
DAY_MS = 86_400_000
DAY_HOVER, WEEK_HOVER = "%A, %-d %b %Y", "Week of %-d %b %Y"
OWN_COLOURS = ("openai", "anthropic", "google", "mistral", "claude-desktop", "chatgpt")
MONEY_TICKS = [
    {"dtickrange": [None, 0.009], "value": "$,.4f"},
    {"dtickrange": [0.009, 0.9], "value": "$,.2f"},
    {"dtickrange": [0.9, None], "value": "$,.0f"},
]


def config(currency: str) -> dict[str, Any]:
    """Plotly's configuration; the $ of every number format becomes the symbol of the currency."""
    money = {"currency": ["" if currency == TOKENS else currency_symbol(currency), ""]}
    return CONFIG | {"locale": "money", "locales": {"money": {"dictionary": {}, "format": money}}}


def top_names(frame: pd.DataFrame, column: str, palette: Palette) -> list[str]:
    """The names with the highest cost, as many as the palette has colours."""
    totals = frame.groupby(column, observed=True)["cost"].sum().sort_values(ascending=False)
    return [str(name) for name in totals.index[: len(palette.series)]]


def series_colours(names: list[str], palette: Palette) -> dict[str, str]:
    """A colour for each name: fixed for the best-known providers, the next free one for the rest."""
    colours = {name: palette.series[OWN_COLOURS.index(name)] for name in names if name in OWN_COLOURS}
    free = (colour for colour in palette.series if colour not in colours.values())
    return {name: colours.get(name) or next(free, palette.other) for name in names}


def own_colours(palette: Palette) -> dict[str, str]:
    """The colours of the best-known providers by their slugs."""
    return dict(zip(OWN_COLOURS, palette.series, strict=True))


def is_weekly(days: int) -> bool:
    """True if a chart of that many days shows weeks instead."""
    return days > WEEKLY_FROM_DAYS


def add_layout(figure: go.Figure, palette: Palette, height: int, **changes: Any) -> go.Figure:
    """Size, fonts, legend and axes, with changes: one assignment costs a fifth of an update."""
    layout = {
        "height": height,
        "margin": {"l": 4, "r": 4, "t": 8, "b": 12},
        "hovermode": "x unified",
        "dragmode": False,
        "font": {"family": FONT, "size": 12, "color": palette.ink},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {
            "bgcolor": palette.surface,
            "bordercolor": palette.grid,
            "font": {"color": palette.ink, "family": FONT},
        },
        "legend": {
            "orientation": "h",
            "yref": "container",  # below the plot, the legend would stay when another width moves the plot
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
            "itemwidth": 30,
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "showlegend": True,
        "xaxis": {
            "showgrid": False,
            "tickformat": "%-d %b",
            "nticks": MOST_TICKS,
            "tickangle": 0,
            "ticklabelstandoff": 4,
            "tickfont": {"color": palette.muted},
            "automargin": True,
            "fixedrange": True,
        },
        "yaxis": {
            "gridcolor": palette.grid,
            "tickformatstops": MONEY_TICKS,
            "nticks": 5,
            "zeroline": False,
            "tickfont": {"color": palette.muted},
            "rangemode": "tozero",
            "automargin": True,
            "fixedrange": True,
        },
    }
    kept = figure.layout.to_plotly_json()
    del kept["template"]  # Plotly sets it again
    figure.layout = _merge(kept, layout | changes)
    if 0 < _count_days(figure) <= MOST_TICKS:
        figure.update_xaxes(dtick=DAY_MS)  # otherwise hours get ticks, labelled with the same day
    return figure


def _merge(layout: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The layout with the changes, those of its parts included."""
    parts = {
        name: _merge(layout[name], change)
        for name, change in changes.items()
        if isinstance(change, dict) and isinstance(layout.get(name), dict)
    }
    return layout | changes | parts


def _count_days(figure: go.Figure) -> int:
    """Days from the first to the last date; 0 if the x axis has none."""
    dates = [trace.x for trace in figure.data if trace.x is not None and len(trace.x)]
    ends = [end for x in dates for end in (min(x), max(x))]
    if not ends or not all(isinstance(end, date | np.datetime64) for end in ends):
        return 0
    days = pd.to_datetime(ends)
    return int((days.max() - days.min()).days) + 1


def list_legend(figure: go.Figure) -> list[tuple[str, str]]:
    """Names and colours of a chart, for a legend that the page draws: Plotly's scrolls on phones."""
    return [
        (unescape(trace.name), _find_colour(trace))
        for trace in figure.data
        if trace.name and trace.showlegend is not False
    ]


def _find_colour(trace: Any) -> str:
    filled = trace.fillcolor if isinstance(trace, go.Scatter) else None
    return str(filled or trace.marker.color or trace.line.color)


def amount_hover(unit: str) -> str:
    """The hover text of a trace of money or tokens: amount and name."""
    return f"{amount_figure(unit)}<extra>%{{fullData.name}}</extra>"


def amount_figure(unit: str) -> str:
    """The amount in a hover text."""
    return "%{y:,.0f} tokens" if unit == TOKENS else f"%{{y:$,.{count_decimals(unit)}f}}"


def label_amounts(figure: go.Figure, unit: str) -> go.Figure:
    """Label the axis of money, or of tokens in millions."""
    if unit == TOKENS:
        figure.layout.yaxis.tickformatstops = None
        figure.layout.yaxis.tickformat = "~s"
    return figure


def escape_name(name: str) -> str:
    """A name from outside as Plotly text, where tags such as <b>, <br> and <a> would have an effect."""
    return escape(shorten(name, MAX_LABEL))
