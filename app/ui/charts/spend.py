"""Bars of spend in pairs. A frame in, a Plotly figure out."""

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.ui.charts.style import add_layout, amount_hover, is_weekly
from app.ui.theme import Palette

MONTHS_NAMED = 8


def pairs(values: pd.DataFrame, palette: Palette, currency: str, is_monthly: bool = False) -> go.Figure:
    """Two bars per day or month, named as the two columns; many days become weeks."""
    if not is_monthly and is_weekly((values.index.max() - values.index.min()).days + 1):
        values = values.resample("W-MON", closed="left", label="left").sum()
    figure = go.Figure()
    colours = dict(zip(values.columns, (palette.accent, palette.other), strict=True))
    # A column of zeros would keep its place and push the other one's bars from the middle of their labels.
    drawn = [name for name in values.columns if values[name].any()] or list(values.columns)
    for name in drawn:
        figure.add_bar(
            x=values.index,
            y=values[name].round(4),
            name=name,
            marker={"color": colours[name], "line_width": 0},
            hovertemplate=amount_hover(currency),
        )
    add_layout(figure, palette, height=280)
    if is_monthly:
        every = 1 if len(values) <= MONTHS_NAMED else 2  # more labels would not fit on a phone
        figure.update_xaxes(tickvals=list(values.index[::-every]), tickformat="%b<br>%Y")
    return figure.update_layout(barmode="group", bargap=0.3, barcornerradius=3)
