"""Charts of coding agents: classes of tokens by day, and a session request by request."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.agent_classes import CACHE_READ, CACHE_WRITE, INPUT, OUTPUT
from app.figures.agent_session import Request
from app.ui.charts.style import DAY_HOVER, add_layout, amount_figure, amount_hover, label_amounts
from app.ui.theme import Palette

CLASS_HEIGHT, COURSE_HEIGHT, CACHE_HEIGHT = 230, 300, 220  # pixels
MOST_MARKS = 8
FEW = 8  # requests, each with a tick
MOST_BAR = 0.1  # of the width of the plot
LONE_MARK = 14  # pixels: of the value, where there is one request, which is also the context
LABEL_WIDTH = 0.12  # of the chart, on a phone


def class_colours(palette: Palette) -> dict[str, str]:
    """The colour of each class of tokens."""
    return {
        CACHE_READ: palette.accent,
        CACHE_WRITE: palette.band,
        OUTPUT: palette.series[1],
        INPUT: palette.series[2],
    }


def token_classes(
    values: Mapping[str, Mapping[date, float]], days: Sequence[date], palette: Palette, unit: str
) -> go.Figure:
    """Stacked bars of each day, in a currency or in tokens."""
    colours = class_colours(palette)
    figure = go.Figure()
    for name, by_day in values.items():
        figure.add_bar(
            x=list(days),
            y=[by_day.get(day, 0.0) for day in days],
            name=name,
            marker={"color": colours.get(name, palette.other), "line_width": 0},
            hovertemplate=amount_hover(unit),
        )
    add_layout(figure, palette, height=CLASS_HEIGHT, barmode="stack", bargap=0.25, showlegend=False)
    half = timedelta(hours=12)
    if days:
        figure.update_xaxes(range=[days[0] - half, days[-1] + half], hoverformat=DAY_HOVER)
    return label_amounts(figure, unit)


def session_course(rows: Sequence[Request], palette: Palette, currency: str) -> go.Figure:
    """Value so far and context by request; dashed lines are gaps that cost something."""
    numbers = [row.nth for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=numbers,
        y=[float(row.so_far) for row in rows],
        name="Value so far",
        mode="lines" if len(rows) > 1 else "markers",
        line={"color": palette.accent, "width": 2},
        marker={"size": LONE_MARK},
        fill="tozeroy",
        fillcolor=palette.wide_band,
        hovertemplate=f"{amount_figure(currency)}<extra>%{{fullData.name}}</extra>",
    )
    figure.add_scatter(
        x=numbers,
        y=[row.counts.input_tokens for row in rows],
        name="Context",
        yaxis="y2",
        mode="lines" if len(rows) > 1 else "markers",
        line={"color": palette.series[1], "width": 2},
        hovertemplate="%{y:,.0f} tokens<extra>%{fullData.name}</extra>",
    )
    add_layout(
        figure,
        palette,
        height=COURSE_HEIGHT,
        showlegend=False,
        margin={"l": 4, "r": 4, "t": 26, "b": 12},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "rangemode": "tozero",
            "tickformat": ".3~s",
            "tickmode": "auto",
            "nticks": 5,
            "tickfont": {"color": palette.muted},
            "automargin": True,
            "fixedrange": True,
        },
    )
    _number_requests(figure, len(rows))
    _mark_gaps(figure, rows, palette)
    return figure


def _number_requests(figure: go.Figure, count: int) -> None:
    figure.update_xaxes(
        tickformat=",d",
        hoverformat=",d",
        tickprefix="#",
        range=[0.5, max(count, 1) + 0.5],
        nticks=6,
        dtick=1 if count <= FEW else None,
    )


def _mark_gaps(figure: go.Figure, rows: Sequence[Request], palette: Palette) -> None:
    """The largest gaps with their minutes, and where the context was cleared."""
    gaps = sorted((row.gap for row in rows if row.gap), key=lambda gap: -(gap.extra or 0))[:MOST_MARKS]
    marks = [(gap.nth, f"{round(gap.pause.total_seconds() / 60):,} min", palette.bad.ink) for gap in gaps] + [
        (row.nth, "cleared", palette.muted) for row in rows if row.is_cleared
    ][:MOST_MARKS]
    labelled: list[int] = []
    for nth, text, colour in marks:
        figure.add_vline(x=nth, line={"color": colour, "width": 1, "dash": "dash"})
        if any(abs(nth - other) < LABEL_WIDTH * len(rows) for other in labelled):
            continue  # its label would cover another one
        labelled.append(nth)
        figure.add_annotation(
            x=nth,
            y=1,
            yref="paper",
            yanchor="bottom",
            text=text,
            showarrow=False,
            font={"color": colour, "size": 11},
        )


def session_cache(rows: Sequence[Request], palette: Palette) -> go.Figure:
    """Input of each request: read from the cache, written to it, neither."""
    shown = (
        ("Read from cache (hit)", palette.accent, [row.counts.cached for row in rows]),
        ("Written to cache (miss)", palette.series[2], [row.counts.written for row in rows]),
        ("Not cached", palette.other, [row.counts.uncached for row in rows]),
    )
    figure = go.Figure()
    for name, colour, counts in shown:
        figure.add_bar(
            x=[row.nth for row in rows],
            y=counts,
            name=name,
            marker={"color": colour, "line_width": 0},
            hovertemplate="%{y:,.0f} tokens<extra>%{fullData.name}</extra>",
        )
    add_layout(figure, palette, height=CACHE_HEIGHT, barmode="stack", showlegend=False)
    figure.update_layout(bargap=max(0.15, 1 - len(rows) * MOST_BAR))
    _number_requests(figure, len(rows))
    figure.layout.yaxis.tickformatstops = None
    figure.update_yaxes(tickformat="~s")
    return figure
