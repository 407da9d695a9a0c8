"""Charts of a budget: its course in the period, and its scope's months behind an amount."""

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.budget_course import Course
from app.formats.units import format_chosen
from app.ui.charts.forecast import add_forecast
from app.ui.charts.style import DAY_HOVER, add_layout, amount_hover, label_amounts
from app.ui.theme import Palette

ROOM = 1.08


def budget_course(
    course: Course, limit: float, thresholds: Sequence[int], palette: Palette, unit: str
) -> go.Figure:
    """Cumulative spend, the likely course, the period before, the limit and its thresholds."""
    figure = go.Figure()
    if course.earlier.max() > 0:
        _add_line(
            figure,
            course.earlier,
            "Period before",
            {"color": palette.muted, "width": 1.5, "dash": "dot"},
            unit,
        )
    if len(course.ahead):
        add_forecast(figure, course.ahead, palette, unit)
    _add_line(figure, course.spent, "Spent", {"color": palette.accent, "width": 2.5}, unit)
    bounds = (*course.ahead["lower_95"], *course.ahead["upper_95"])
    drawn = [0.0, limit, *course.spent, *course.earlier, *bounds]
    lowest, highest = min(drawn), max(drawn)
    _add_limit(figure, limit, unit, palette)
    for percent in thresholds:
        at = limit * percent / 100
        if percent != 100 and at <= highest * ROOM:
            figure.add_hline(
                at, line={"color": palette.muted, "width": 1, "dash": "dot"}, annotation_text=f"{percent}%",
                annotation_position="top left", annotation_font={"size": 11, "color": palette.muted},
            )  # fmt: skip
    add_layout(figure, palette, height=340)
    figure.update_yaxes(range=[lowest * ROOM, highest * ROOM])
    return label_amounts(figure, unit).update_xaxes(hoverformat=DAY_HOVER)


def scope_months(months: pd.Series, limit: float | None, palette: Palette, unit: str) -> go.Figure:
    """Spend of months as bars, with a limit across them; `months` maps the first day of each to its spend."""
    figure = go.Figure()
    figure.add_bar(
        x=[month.strftime("%b") for month in months.index],
        y=months.round(4),
        marker={"color": palette.ghost, "line_width": 0},
        hovertemplate=amount_hover(unit),
        name="Spent",
    )
    if limit:
        _add_limit(figure, limit, unit, palette)
    add_layout(figure, palette, height=220, showlegend=False, bargap=0.35, barcornerradius=3)
    figure.update_yaxes(range=[0, max(float(months.max() or 0), limit or 0) * ROOM or 1])
    return label_amounts(figure, unit)


def _add_line(
    figure: go.Figure, amounts: "pd.Series[float]", name: str, line: dict[str, object], unit: str
) -> None:
    figure.add_scatter(
        x=amounts.index,
        y=amounts.round(4),
        mode="lines" if len(amounts) > 1 else "markers",
        name=name,
        line=line,
        hovertemplate=amount_hover(unit),
    )


def _add_limit(figure: go.Figure, limit: float, unit: str, palette: Palette) -> None:
    text = f"limit {format_chosen(Decimal(str(limit)), unit)}"
    figure.add_hline(
        limit, line={"color": palette.bad.fill, "width": 2}, annotation_text=text,
        annotation_position="top left", annotation_font={"size": 12, "color": palette.bad.ink},
    )  # fmt: skip
