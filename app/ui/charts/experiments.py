"""Charts of an experiment: ratios with their intervals, and the difference of quality against its margin."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.ui.charts.style import add_layout, escape_name
from app.ui.theme import Palette
from tally.experiments.words import MINUS
from tally.statistics import Interval, Ratio

ROW, AROUND, LABELS = 40, 60, 108  # pixels
TICKS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 10)


def ratio_intervals(ratios: Sequence[tuple[str, Ratio]], palette: Palette) -> go.Figure:
    """Ratios by name, on a scale where half and double are as far from the same; the first stands out."""
    names = [escape_name(name) for name, _ in ratios]
    figure = go.Figure()
    for nth, (_, ratio) in enumerate(ratios):
        figure.add_scatter(
            x=[ratio.estimate],
            y=[names[nth]],
            error_x={
                "array": [ratio.high - ratio.estimate],
                "arrayminus": [ratio.estimate - ratio.low],
                "thickness": 2,
                "width": 5,
            },
            mode="markers",
            marker={"size": 11, "color": palette.accent if nth == 0 else palette.other},
            hovertemplate=f"x{ratio.estimate:.2f}, 95%: x{ratio.low:.2f} to x{ratio.high:.2f}<extra></extra>",
        )
    low = min([0.7, *(ratio.low for _, ratio in ratios)])
    high = max([1.4, *(ratio.high for _, ratio in ratios)])
    ticks = [tick for tick in TICKS if low * 0.8 <= tick <= high * 1.2]
    figure.add_vline(x=1, line={"color": palette.ink, "width": 1.5})
    return add_layout(
        figure,
        palette,
        height=ROW * len(ratios) + AROUND,
        showlegend=False,
        hovermode="closest",
        margin={"l": LABELS, "r": 12, "t": 8, "b": 36},
        xaxis={
            "type": "log",
            "range": [math.log10(low * 0.85), math.log10(high * 1.15)],
            "tickvals": ticks,
            "ticktext": [f"×{tick:g}" for tick in ticks],  # noqa: RUF001
            "tickformat": "",
            "showgrid": True,
            "gridcolor": palette.grid,
        },
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "tickformatstops": None},
    )


def quality_interval(difference: Interval, margin: float, scale: float, palette: Palette) -> go.Figure:
    """The difference of quality with its interval, the margin below which it is worse, and the same."""
    estimate, low, high, limit = (value * scale for value in (*difference, -margin))
    left, right = min(low, limit) * 1.3, max(high, -limit * 0.6) * 1.2
    figure = go.Figure(
        go.Scatter(
            x=[estimate],
            y=[0],
            error_x={
                "array": [high - estimate],
                "arrayminus": [estimate - low],
                "thickness": 2.5,
                "width": 7,
            },
            mode="markers",
            marker={"size": 13, "color": palette.accent},
            hovertemplate=f"{estimate:+.2f}, 95%: {low:+.2f} to {high:+.2f}<extra></extra>".replace(
                "-", MINUS
            ),
        )
    )
    for start, end, colour in ((left, limit, palette.bad.fill), (limit, right, palette.series[1])):
        figure.add_vrect(x0=start, x1=end, fillcolor=colour, opacity=0.1, line_width=0, layer="below")
    figure.add_vline(x=limit, line={"color": palette.bad.ink, "width": 2, "dash": "dash"})
    figure.add_vline(x=0, line={"color": palette.ink, "width": 1.5})
    for place, height, text, colour in (  # at different heights, as a small margin is near 0
        (limit, -0.85, f"margin {limit:g}".replace("-", MINUS), palette.bad.ink),
        (0, 0.85, "same", palette.ink),
    ):
        is_right = place > (left + right) / 2
        figure.add_annotation(
            x=place,
            y=height,
            text=text,
            showarrow=False,
            xanchor="right" if is_right else "left",
            xshift=-4 if is_right else 4,
            font={"color": colour},
        )
    return add_layout(
        figure,
        palette,
        height=ROW * 4 + AROUND,
        showlegend=False,
        hovermode="closest",
        margin={"l": 12, "r": 12, "t": 8, "b": 36},
        xaxis={"range": [left, right], "tickformat": "~g", "showgrid": True, "gridcolor": palette.grid},
        yaxis={"visible": False, "range": [-1, 1], "fixedrange": True},
    )
