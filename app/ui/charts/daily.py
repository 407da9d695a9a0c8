"""The chart of daily spend: bars by provider before those of the period before, then the forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.chart_days import average_weeks
from app.figures.spend import OTHER
from app.formats.money import format_money
from app.ui.charts.forecast import add_forecast
from app.ui.charts.style import (
    DAY_HOVER,
    DAY_MS,
    WEEK_HOVER,
    add_layout,
    amount_hover,
    escape_name,
    is_weekly,
    series_colours,
    top_names,
)
from app.ui.theme import Palette
from tally.core.months import last_day_of_month

HOVER_WIDTH = 44  # characters
BAR_SHARE, GHOST_SHARE, ALONE_SHARE = 0.5, 0.86, 0.78  # of a day's slot
TOTAL = "Total"


@dataclass(frozen=True, slots=True)
class Earlier:
    """Spend of the period before, by the days of the chart, and its name."""

    spent: "pd.Series[float]"
    name: str


@dataclass(frozen=True, slots=True)
class Context:
    """Surroundings of a chart's days: a forecast, by week where its bars are, and the period before."""

    forecast: pd.DataFrame | None = None
    earlier: Earlier | None = None


def daily_spend(
    daily: pd.DataFrame, context: Context, labels: Mapping[str, str], palette: Palette, currency: str
) -> go.Figure:
    """Bars per day or week, stacked by provider; then the forecast with its ranges.

    `daily` has date, provider and cost from the first to the last day of the period.
    """
    names = top_names(daily, "provider", palette)
    colours = series_colours(names, palette)
    stacked = _stack(daily, names)
    is_week = is_weekly((daily["date"].max() - daily["date"].min()).days + 1)
    slot = DAY_MS * (7 if is_week else 1)
    figure = go.Figure()
    forecast, earlier = context.forecast, context.earlier
    has_earlier = earlier is not None and bool(earlier.spent.gt(0).any())
    if earlier is not None and has_earlier:
        _add_earlier(figure, earlier, is_week, palette, currency)
    for name in stacked.columns:
        figure.add_bar(
            x=stacked.index,
            y=_hide_nothing(stacked[name]),
            name=escape_name(labels.get(name, name)),
            marker={"color": colours.get(name, palette.other), "line_width": 0},
            width=slot * (BAR_SHARE if has_earlier else ALONE_SHARE),
            hovertemplate=amount_hover(currency),
        )
    _add_totals(figure, stacked.sum(axis=1), currency)
    if forecast is not None and not forecast.empty:
        add_forecast(figure, forecast, palette, currency)
        _mark_forecast(figure, forecast, slot, palette)
    add_layout(figure, palette, height=330, showlegend=False, barmode="relative", barcornerradius=3)
    return figure.update_xaxes(hoverformat=WEEK_HOVER if is_week else DAY_HOVER)


def _hide_nothing(amounts: "pd.Series[float]") -> "pd.Series[float]":
    """Days without spend have no bar, and no row of zero in the hover text."""
    return amounts.round(4).where(amounts.round(4) != 0)


def _add_earlier(figure: go.Figure, earlier: Earlier, is_week: bool, palette: Palette, currency: str) -> None:
    spent = average_weeks(earlier.spent.to_frame())[0] if is_week else earlier.spent
    slot = DAY_MS * (7 if is_week else 1)
    figure.add_bar(
        x=spent.index,
        y=_hide_nothing(spent),
        base=0,  # keeps them out of the stack
        name=escape_name(earlier.name),
        marker={"color": palette.ghost, "line_width": 0},
        width=slot * GHOST_SHARE,
        hovertemplate=amount_hover(currency),
    )


def _add_totals(figure: go.Figure, totals: "pd.Series[float]", currency: str) -> None:
    """A row of the hover text with the sum of a day and its currency."""
    texts = [f"{format_money(total, currency)} {currency}" if total else "nothing spent" for total in totals]
    figure.add_scatter(
        x=totals.index,
        y=totals.clip(lower=0).round(4),
        mode="lines",
        line={"width": 0},
        name=TOTAL,
        showlegend=False,
        customdata=texts,
        hovertemplate=f"<b>%{{customdata}}</b><extra>{TOTAL}</extra>",
    )


def _mark_forecast(figure: go.Figure, forecast: pd.DataFrame, slot: int, palette: Palette) -> None:
    """A quiet background behind the forecast, and the end of the month in it."""
    half = pd.Timedelta(milliseconds=slot / 2)
    first, last = forecast["date"].min(), forecast["date"].max()
    figure.add_shape(
        type="rect", x0=first - half, x1=last + half, y0=0, y1=1, yref="paper", layer="below",
        fillcolor=palette.track, opacity=0.45, line_width=0,
    )  # fmt: skip
    end = pd.Timestamp(last_day_of_month(first.date()))
    if slot == DAY_MS and end + half < last:
        figure.add_shape(
            type="line", x0=end + half, x1=end + half, y0=0, y1=1, yref="paper",
            line={"color": palette.muted, "width": 1, "dash": "dot"},
        )  # fmt: skip
        figure.add_annotation(
            x=end + half, y=1, yref="paper", text="month end", showarrow=False, xanchor="left",
            yanchor="top", font={"size": 12, "color": palette.muted},
        )  # fmt: skip


def _stack(daily: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Date x provider, largest first, the rest as one; long periods become daily averages per week."""
    grouped = daily.assign(provider=daily["provider"].astype(str).where(daily["provider"].isin(names), OTHER))
    table = grouped.pivot_table(
        index="date", columns="provider", values="cost", aggfunc="sum", fill_value=0.0
    )
    days = pd.date_range(daily["date"].min(), daily["date"].max())
    table = table.reindex(days, fill_value=0.0)
    if is_weekly(len(days)):
        table = average_weeks(table)
    return table[[name for name in (*names, OTHER) if name in table.columns]]


def mark_days(figure: go.Figure, marks: Sequence[tuple[date, str]], palette: Palette) -> go.Figure:
    """Add a small mark above the bar of each day, or of its week; hovering shows its sentences."""
    heights = next(pd.Series(trace.y, index=trace.x) for trace in figure.data if trace.name == TOTAL)
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
