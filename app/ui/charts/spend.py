"""Charts of spend: bars per name, and in pairs. A frame in, a Plotly figure out."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.formats.money import format_money
from app.ui.charts.bars import horizontal_bars, lay_out_bars
from app.ui.charts.style import add_layout, amount_hover, is_weekly
from app.ui.theme import Palette

MONTHS_NAMED = 8


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
