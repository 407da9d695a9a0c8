"""Charts of invoices: what explains a difference, and the course of prepaid credits."""

from collections.abc import Sequence
from datetime import date

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.ui.charts.style import DAY_HOVER, add_layout, amount_hover, label_amounts
from app.ui.theme import Palette

BAR_HEIGHT = 40


def difference_bars(parts: Sequence[tuple[str, float, str]], palette: Palette, warned: str) -> go.Figure:
    """Bars one after another from 0 to the difference; each part has a name, an amount and its text."""
    figure = go.Figure()
    reached = 0.0
    for name, amount, text in parts:
        figure.add_bar(
            x=[amount],
            y=[name],
            base=[reached],
            orientation="h",
            width=0.5,
            text=[text],
            textposition="outside",
            cliponaxis=False,
            marker={"color": palette.series[2] if name == warned else palette.accent, "line_width": 0},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
        reached += amount
    add_layout(figure, palette, height=60 + BAR_HEIGHT * len(parts), showlegend=False, barmode="overlay")
    figure.update_layout(hovermode="closest", margin={"l": 4, "r": 76, "t": 8, "b": 12})
    figure.update_yaxes(autorange="reversed", tickformat="", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(tickformat="$,.0f", nticks=5, showgrid=True, gridcolor=palette.grid)
    return figure


def credit_course(
    past: Sequence[tuple[date, float]],
    ahead: Sequence[tuple[date, float]],
    band: tuple[date, date] | None,
    palette: Palette,
    currency: str,
) -> go.Figure:
    """The balance of credits by day, and its way to nothing with the range of the last day."""
    figure = go.Figure()
    figure.add_scatter(
        x=[day for day, _ in past],
        y=[left for _, left in past],
        mode="lines",
        name="Balance",
        fill="tozeroy",
        fillcolor=palette.wide_band,
        line={"color": palette.accent, "width": 2.5, "shape": "hv"},
        hovertemplate=amount_hover(currency),
    )
    if ahead:
        figure.add_scatter(
            x=[day for day, _ in ahead],
            y=[left for _, left in ahead],
            mode="lines",
            name="Forecast",
            line={"color": palette.accent, "width": 2, "dash": "dot"},
            hovertemplate=amount_hover(currency),
        )
    if band and ahead:
        start, left = ahead[0]
        figure.add_scatter(
            x=[start, band[1], band[0]],
            y=[left, 0, 0],
            fill="toself",
            mode="none",
            name="80% range",
            fillcolor=palette.band,
            opacity=0.6,
            hoverinfo="skip",
        )
    add_layout(figure, palette, height=280, showlegend=bool(ahead))
    figure.update_yaxes(rangemode="tozero")
    return label_amounts(figure, currency).update_xaxes(hoverformat=DAY_HOVER)
