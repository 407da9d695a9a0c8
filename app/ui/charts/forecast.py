"""Charts of forecasts: spend with ribbons ahead, and earlier predictions beside actual spend."""

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.formats.units import format_exact
from app.ui.charts.style import DAY_HOVER, add_layout, amount_figure, amount_hover
from app.ui.theme import Palette

LIKELY = "Likely"


def forecast_ribbons(
    history: pd.Series, forecast: pd.DataFrame, palette: Palette, currency: str
) -> go.Figure:
    """Spend as bars, then the forecast as a line with ribbons; `history` maps day to money."""
    figure = go.Figure()
    figure.add_bar(
        x=history.index,
        y=history.round(4).where(history.round(4) != 0),
        name="Spent",
        marker={"color": palette.muted, "line_width": 0, "opacity": 0.55},
        hovertemplate=amount_hover(currency),
    )
    add_forecast(figure, forecast, palette, currency)
    add_layout(figure, palette, height=360, bargap=0.22, barcornerradius=3)
    return figure.update_xaxes(hoverformat=DAY_HOVER)


def earlier_predictions(
    actual: pd.Series, predicted: pd.DataFrame, palette: Palette, currency: str
) -> go.Figure:
    """Predictions of past days with their 80% range, beside actual spend."""
    figure = go.Figure()
    _add_range(figure, predicted, "80", 0.2, palette)
    figure.add_scatter(
        x=predicted["date"],
        y=predicted["predicted"].round(4),
        mode="lines",
        name="Predicted",
        line={"color": palette.accent, "width": 2, "dash": "dot"},
        hovertemplate=amount_hover(currency),
    )
    figure.add_scatter(
        x=actual.index,
        y=actual.round(4),
        mode="lines+markers",
        cliponaxis=False,  # else the axis cuts the dots of days without spend in half
        name="Spent",
        line={"color": palette.ink, "width": 1.5},
        marker={"size": 5},
        hovertemplate=amount_hover(currency),
    )
    add_layout(figure, palette, height=280)
    return figure.update_xaxes(hoverformat=DAY_HOVER)


def add_forecast(figure: go.Figure, forecast: pd.DataFrame, palette: Palette, currency: str) -> None:
    """The likely spend of each day as a line, with its ranges behind it and in its hover text."""
    _add_range(figure, forecast, "95", 0.13, palette)
    _add_range(figure, forecast, "80", 0.24, palette)
    figure.add_scatter(
        x=forecast["date"],
        y=forecast["predicted"].round(4),
        mode="lines" if len(forecast) > 1 else "markers",
        name=LIKELY,
        line={"color": palette.accent, "width": 2, "dash": "dot"},
        customdata=[
            f"{format_exact(round(lower, 4), currency)} to {format_exact(round(upper, 4), currency)}"
            for lower, upper in zip(forecast["lower_80"], forecast["upper_80"], strict=True)
        ],
        hovertemplate=f"{amount_figure(currency)}, 80% range %{{customdata}}<extra>{LIKELY}</extra>",
    )


def _add_range(
    figure: go.Figure, forecast: pd.DataFrame, level: str, opacity: float, palette: Palette
) -> None:
    days = forecast["date"].tolist()
    figure.add_scatter(
        x=[*days, *reversed(days)],
        y=[*forecast[f"upper_{level}"].round(4), *reversed(forecast[f"lower_{level}"].round(4).tolist())],
        fill="toself",
        mode="none",
        fillcolor=_transparent(palette.accent, opacity),
        name=f"{level}% range",
        hoverinfo="skip",
    )


def _transparent(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
