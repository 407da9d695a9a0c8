"""Charts of spend: bars per day, per name, and in pairs. A frame in, a Plotly figure out."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.spend import OTHER
from app.formats.money import format_money
from app.ui.charts.bars import horizontal_bars, lay_out_bars
from app.ui.charts.forecast import add_ribbons
from app.ui.charts.style import (
    add_layout,
    escape_name,
    is_weekly,
    money_hover,
    series_colours,
    top_names,
)
from app.ui.theme import Palette

MONTHS_NAMED = 8
HOVER_WIDTH = 44  # characters


def daily_spend(
    daily: pd.DataFrame,
    forecast: pd.DataFrame | None,
    labels: Mapping[str, str],
    palette: Palette,
    currency: str,
) -> go.Figure:
    """Bars per day or week, stacked by provider; then the forecast with its ranges.

    `daily` has date, provider and cost from the first to the last day of the period; `forecast` is one run.
    """
    names = top_names(daily, "provider", palette)
    colours = series_colours(names, palette)
    stacked = _stack(daily, names)
    figure = go.Figure()
    for name in stacked.columns:
        figure.add_bar(
            x=stacked.index,
            y=stacked[name].round(4),
            name=escape_name(labels.get(name, name)),
            marker={"color": colours.get(name, palette.other), "line_width": 0},
            hovertemplate=money_hover(currency),
        )
    if forecast is not None and not forecast.empty:
        add_ribbons(figure, forecast, palette, currency)
    return add_layout(figure, palette, height=360, barmode="relative", bargap=0.22, barcornerradius=3)


def spend_by_name(
    totals: pd.Series,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    palette: Palette,
    currency: str,
) -> go.Figure:
    """Horizontal bars in the given order, each below its name and amount; `totals` maps name to money."""
    ordered = totals[::-1]  # Plotly draws from the bottom up
    ceiling = max(float(ordered.max()), 0.0) or 1.0
    bar_colours = [colours.get(str(name), palette.other) for name in ordered.index]
    figure = horizontal_bars(ordered.tolist(), bar_colours)
    texts = [
        (labels.get(str(name), str(name)), format_money(float(cost), currency))
        for name, cost in ordered.items()
    ]
    return lay_out_bars(figure, texts, [min(0.0, float(ordered.min())), ceiling], palette)


def describe_totals(
    totals: pd.Series, labels: Mapping[str, str], currency: str, split: str = "provider"
) -> str:
    """The bars of `spend_by_name` as text, for screen readers."""
    spend = (
        f"{labels.get(str(name), str(name))} {format_money(float(cost), currency)}"
        for name, cost in totals.items()
    )
    return f"Spend by {split}: {', '.join(spend)}"


def pairs(values: pd.DataFrame, palette: Palette, currency: str, is_monthly: bool = False) -> go.Figure:
    """Two bars per day or month, named as the two columns; many days become weeks."""
    if not is_monthly and is_weekly((values.index.max() - values.index.min()).days + 1):
        values = values.resample("W-MON", closed="left", label="left").sum()
    figure = go.Figure()
    for name, colour in zip(values.columns, (palette.accent, palette.other), strict=True):
        figure.add_bar(
            x=values.index,
            y=values[name].round(4),
            name=name,
            marker={"color": colour, "line_width": 0},
            hovertemplate=money_hover(currency),
        )
    add_layout(figure, palette, height=280)
    if is_monthly:
        every = 1 if len(values) <= MONTHS_NAMED else 2  # more labels would not fit on a phone
        figure.update_xaxes(tickvals=list(values.index[::-every]), tickformat="%b<br>%Y")
    return figure.update_layout(barmode="group", bargap=0.3, barcornerradius=3)


def _stack(daily: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Date x provider, largest first, the rest as one; long periods become daily averages per week."""
    grouped = daily.assign(provider=daily["provider"].astype(str).where(daily["provider"].isin(names), OTHER))
    table = grouped.pivot_table(
        index="date", columns="provider", values="cost", aggfunc="sum", fill_value=0.0
    )
    days = pd.date_range(daily["date"].min(), daily["date"].max())
    table = table.reindex(days, fill_value=0.0)
    if is_weekly(len(days)):
        table = table.resample("W-MON", closed="left", label="left").mean()
    return table[[name for name in (*names, OTHER) if name in table.columns]]


def mark_days(figure: go.Figure, marks: Sequence[tuple[date, str]], palette: Palette) -> go.Figure:
    """Add a small mark above the bar of each day, or of its week; hovering shows its sentences."""
    bars = [pd.Series(trace.y, index=trace.x) for trace in figure.data if trace.type == "bar"]
    heights = pd.concat(bars, axis=1).clip(lower=0).sum(axis=1)
    sentences = _wrap_by_bar(heights.index, marks)
    if not sentences:
        return figure
    gap = 0.04 * float(heights.max())
    return figure.add_scatter(
        x=list(sentences),
        y=[round(float(heights[bar]) + gap, 4) for bar in sentences],
        mode="markers",
        name="Anomaly",
        showlegend=False,  # the list below the chart explains it
        marker={
            "symbol": "diamond",
            "size": 8,
            "color": palette.ink,
            "line": {"width": 1, "color": palette.surface},
        },
        customdata=["<br>".join(lines) for lines in sentences.values()],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _wrap_by_bar(bars: pd.Index, marks: Sequence[tuple[date, str]]) -> dict[pd.Timestamp, list[str]]:
    """The sentences of each bar, escaped and wrapped; days before the first bar have none."""
    sentences: dict[pd.Timestamp, list[str]] = {}
    for day, sentence in sorted(marks):
        bar = bars[bars <= pd.Timestamp(day)].max()
        if pd.notna(bar):
            sentences.setdefault(bar, []).append("<br>".join(map(escape, wrap(sentence, HOVER_WIDTH))))
    return sentences
