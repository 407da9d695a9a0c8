"""The charts: a frame in, a Plotly figure out. Money is float here and nowhere before."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.scorecard import Bar
from app.figures.spend import OTHER
from app.formats.currency import count_decimals, currency_symbol
from app.formats.money import format_money
from app.ui.theme import Palette

FONT = "Inter, system-ui, sans-serif"
CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
WEEKLY_FROM_DAYS = 120
MONTHS_NAMED = 8
HOVER_WIDTH = 44
OWN_COLOURS = ("openai", "anthropic", "google", "mistral", "claude-desktop", "chatgpt")
MONEY_TICKS = [
    {"dtickrange": [None, 0.009], "value": "$,.4f"},
    {"dtickrange": [0.009, 0.9], "value": "$,.2f"},
    {"dtickrange": [0.9, None], "value": "$,.0f"},
]


def config(currency: str) -> dict[str, Any]:
    """How a chart behaves; its sign of money, a $ in every format, is that of the currency."""
    money = {"currency": [currency_symbol(currency), ""]}
    return CONFIG | {"locale": "money", "locales": {"money": {"dictionary": {}, "format": money}}}


def top_names(frame: pd.DataFrame, column: str, palette: Palette) -> list[str]:
    """The names that cost most, as many as the palette can tell apart."""
    totals = frame.groupby(column, observed=True)["cost"].sum().sort_values(ascending=False)
    return [str(name) for name in totals.index[: len(palette.series)]]


def series_colours(names: list[str], palette: Palette) -> dict[str, str]:
    """A colour for each name: the best-known providers have their own, the rest take what is free."""
    colours = {name: palette.series[OWN_COLOURS.index(name)] for name in names if name in OWN_COLOURS}
    free = (colour for colour in palette.series if colour not in colours.values())
    return {name: colours.get(name) or next(free, palette.other) for name in names}


def is_weekly(days: int) -> bool:
    """Whether so many days are drawn as weeks."""
    return days > WEEKLY_FROM_DAYS


def daily_spend(
    daily: pd.DataFrame,
    forecast: pd.DataFrame | None,
    labels: Mapping[str, str],
    palette: Palette,
    currency: str,
    marks: Sequence[tuple[date, str]] = (),
) -> go.Figure:
    """Bars a day, stacked by provider, some with a mark; then the forecast with its ranges.

    `daily` has date, provider and cost from the period's first day to its last; `forecast` is one run; of
    `marks` each is a day and a sentence.
    """
    names = top_names(daily, "provider", palette)
    colours = series_colours(names, palette)
    stacked = _stack(daily, names)
    figure = go.Figure()
    for name in stacked.columns:
        figure.add_bar(
            x=stacked.index,
            y=stacked[name].round(4),
            name=_plain(labels.get(name, name)),
            marker={"color": colours.get(name, palette.other), "line_width": 0},
            hovertemplate=_money(currency),
        )
    if forecast is not None and not forecast.empty:
        _add_ribbons(figure, forecast, palette, currency)
    _add_marks(figure, stacked.clip(lower=0).sum(axis=1), marks, palette)
    _add_layout(figure, palette, height=360)
    return figure.update_layout(barmode="relative", bargap=0.22, barcornerradius=3)


def spend_by_name(
    totals: pd.Series,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    palette: Palette,
    currency: str,
) -> go.Figure:
    """Horizontal bars in the given order, each under its name and amount; `totals` is name -> money."""
    ordered = totals[::-1]  # the first one is drawn on top
    ceiling = max(float(ordered.max()), 0.0) or 1.0
    figure = go.Figure(
        go.Bar(
            x=ordered.to_numpy(),
            y=list(range(len(ordered))),
            orientation="h",
            marker={
                "color": [colours.get(str(name), palette.other) for name in ordered.index],
                "line_width": 0,
            },
            width=0.26,
            hoverinfo="skip",
        )
    )
    for row, (name, cost) in enumerate(ordered.items()):
        label = labels.get(str(name), str(name))
        _add_label(figure, row, label, format_money(float(cost), currency), palette)
    return _lay_out_names(figure, len(ordered), [min(0.0, float(ordered.min())), ceiling], palette)


def shares(bars: Sequence[Bar], palette: Palette) -> go.Figure:
    """Horizontal bars of shares, each under its name and percentage; a line stands where one should end."""
    ordered = bars[::-1]  # the first one is drawn on top
    figure = go.Figure(
        go.Bar(
            x=[min(bar.share, 1.0) for bar in ordered],
            y=list(range(len(ordered))),
            orientation="h",
            marker={
                "color": [palette.accent if bar.is_own else palette.other for bar in ordered],
                "line_width": 0,
            },
            width=0.26,
            hoverinfo="skip",
        )
    )
    for row, bar in enumerate(ordered):
        _add_label(figure, row, bar.label, f"{bar.share:.0%}", palette)
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
    return _lay_out_names(figure, len(ordered), [0, 1], palette)


def describe_totals(totals: pd.Series, labels: Mapping[str, str], currency: str) -> str:
    """The same in words, for whoever cannot see the bars."""
    said = (
        f"{labels.get(str(name), str(name))} {format_money(float(cost), currency)}"
        for name, cost in totals.items()
    )
    return f"Spend by provider: {', '.join(said)}"


def forecast_ribbons(
    history: pd.Series, forecast: pd.DataFrame, palette: Palette, currency: str
) -> go.Figure:
    """What was spent as a line and what is to come as ribbons; `history` is day -> money."""
    figure = go.Figure()
    figure.add_bar(
        x=history.index,
        y=history.round(4),
        name="Spent",
        marker={"color": palette.muted, "line_width": 0, "opacity": 0.55},
        hovertemplate=_money(currency),
    )
    _add_ribbons(figure, forecast, palette, currency)
    _add_layout(figure, palette, height=360)
    return figure.update_layout(bargap=0.22, barcornerradius=3)


def earlier_predictions(
    actual: pd.Series, predicted: pd.DataFrame, palette: Palette, currency: str
) -> go.Figure:
    """What had been predicted for past days, with the 80% range, against what was spent on them."""
    figure = go.Figure()
    _add_range(figure, predicted, "80", 0.2, palette)
    figure.add_scatter(
        x=predicted["date"],
        y=predicted["predicted"].round(4),
        mode="lines",
        name="Predicted",
        line={"color": palette.accent, "width": 2, "dash": "dot", "shape": "hvh"},
        hovertemplate=_money(currency),
    )
    figure.add_scatter(
        x=actual.index,
        y=actual.round(4),
        mode="lines+markers",
        name="Spent",
        line={"color": palette.ink, "width": 1.5},
        marker={"size": 5},
        hovertemplate=_money(currency),
    )
    _add_layout(figure, palette, height=280)
    return figure


def pairs(values: pd.DataFrame, palette: Palette, currency: str, is_monthly: bool = False) -> go.Figure:
    """Two bars a day or month beside each other, named as the two columns; many days become weeks."""
    if not is_monthly and is_weekly((values.index.max() - values.index.min()).days + 1):
        values = values.resample("W-MON", closed="left", label="left").sum()
    figure = go.Figure()
    for name, colour in zip(values.columns, (palette.accent, palette.other), strict=True):
        figure.add_bar(
            x=values.index,
            y=values[name].round(4),
            name=name,
            marker={"color": colour, "line_width": 0},
            hovertemplate=_money(currency),
        )
    _add_layout(figure, palette, height=280)
    if is_monthly:
        every = 1 if len(values) <= MONTHS_NAMED else 2  # as many as a phone has room for
        figure.update_xaxes(tickvals=list(values.index[::-every]), tickformat="%b<br>%Y")
        figure.update_layout(legend_y=-0.22)  # below two lines
    return figure.update_layout(barmode="group", bargap=0.3, barcornerradius=3)


def _stack(daily: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Date x provider, the dearest first and the rest as one; long spans become means of whole weeks."""
    grouped = daily.assign(provider=daily["provider"].astype(str).where(daily["provider"].isin(names), OTHER))
    table = grouped.pivot_table(
        index="date", columns="provider", values="cost", aggfunc="sum", fill_value=0.0
    )
    days = pd.date_range(daily["date"].min(), daily["date"].max())
    table = table.reindex(days, fill_value=0.0)
    if is_weekly(len(days)):
        table = table.resample("W-MON", closed="left", label="left").mean()
    return table[[name for name in (*names, OTHER) if name in table.columns]]


def _add_ribbons(figure: go.Figure, forecast: pd.DataFrame, palette: Palette, currency: str) -> None:
    _add_range(figure, forecast, "95", 0.13, palette)
    _add_range(figure, forecast, "80", 0.24, palette)
    figure.add_scatter(
        x=forecast["date"],
        y=forecast["predicted"].round(4),
        mode="lines",
        name="Forecast",
        line={"color": palette.accent, "width": 2, "dash": "dot", "shape": "hvh"},
        hovertemplate=_money(currency),
    )


def _add_range(
    figure: go.Figure, forecast: pd.DataFrame, level: str, opacity: float, palette: Palette
) -> None:
    there = forecast["date"].tolist()
    figure.add_scatter(
        x=[*there, *reversed(there)],
        y=[*forecast[f"upper_{level}"].round(4), *reversed(forecast[f"lower_{level}"].round(4).tolist())],
        fill="toself",
        mode="none",
        line_shape="hvh",
        fillcolor=_transparent(palette.accent, opacity),
        name=f"{level}% range",
        hoverinfo="skip",
    )


def _add_marks(
    figure: go.Figure, heights: pd.Series, marks: Sequence[tuple[date, str]], palette: Palette
) -> None:
    """A small mark above the bar of each day, or of its week, that tells its sentences."""
    said: dict[pd.Timestamp, list[str]] = {}
    for day, sentence in sorted(marks):
        bar = heights.index[heights.index <= pd.Timestamp(day)].max()
        if pd.notna(bar):
            said.setdefault(bar, []).append("<br>".join(map(escape, wrap(sentence, HOVER_WIDTH))))
    if not said:
        return
    gap = 0.04 * float(heights.max())
    figure.add_scatter(
        x=list(said),
        y=[round(float(heights[bar]) + gap, 4) for bar in said],
        mode="markers",
        name="Out of the ordinary",
        showlegend=False,  # the list below the chart says what it is
        marker={
            "symbol": "diamond",
            "size": 8,
            "color": palette.ink,
            "line": {"width": 1, "color": palette.surface},
        },
        customdata=["<br>".join(sentences) for sentences in said.values()],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_label(figure: go.Figure, row: int, name: str, value: str, palette: Palette) -> None:
    for text, x, anchor in ((name, 0, "left"), (value, 1, "right")):
        figure.add_annotation(
            text=_plain(text),
            x=x,
            xref="paper",
            y=row + 0.36,
            xanchor=anchor,
            showarrow=False,
            font={"size": 13, "color": palette.ink},
        )


def _lay_out_names(figure: go.Figure, rows: int, span: list[float], palette: Palette) -> go.Figure:
    _add_layout(figure, palette, height=44 * rows + 16)
    figure.update_xaxes(visible=False, range=span)
    figure.update_yaxes(visible=False, range=[-0.5, rows - 0.35])
    return figure.update_layout(
        showlegend=False, hovermode=False, barcornerradius=4, margin={"l": 0, "r": 0, "t": 0, "b": 0}
    )


def _add_layout(figure: go.Figure, palette: Palette, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        hovermode="x unified",
        dragmode=False,
        font={"family": FONT, "size": 12, "color": palette.ink},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        hoverlabel={
            "bgcolor": palette.surface,
            "bordercolor": palette.grid,
            "font": {"color": palette.ink, "family": FONT},
        },
        legend={
            "orientation": "h",
            "y": -0.12,
            "yanchor": "top",
            "x": 0,
            "traceorder": "normal",
            "itemwidth": 30,
        },
        showlegend=True,
        legend_itemclick=False,
        legend_itemdoubleclick=False,
    )
    figure.update_xaxes(
        showgrid=False,
        tickformat="%-d %b",
        nticks=6,
        tickangle=0,
        ticklabelstandoff=4,
        tickfont_color=palette.muted,
        automargin=True,
        fixedrange=True,
    )
    figure.update_yaxes(
        gridcolor=palette.grid,
        tickformatstops=MONEY_TICKS,
        nticks=5,
        zeroline=False,
        tickfont_color=palette.muted,
        rangemode="tozero",
        automargin=True,
        fixedrange=True,
    )


def _money(currency: str) -> str:
    return f"%{{y:$,.{count_decimals(currency)}f}}<extra>%{{fullData.name}}</extra>"


def _plain(name: str) -> str:
    """A name from outside as Plotly text: Plotly would read tags such as <b>, <br> and <a> in it."""
    short = name if len(name) <= 40 else f"{name[:39]}…"
    return escape(short)


def _transparent(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
