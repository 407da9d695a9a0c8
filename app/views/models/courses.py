"""The course of one or two models over time, as small multiples."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from app.figures.model_performance import (
    describe_first_token,
    describe_latency,
    describe_rate,
    describe_speed,
    follow,
)
from app.ui import charts
from app.ui.cards import render_heading, render_subheading
from app.ui.legend import render_legend
from app.ui.theme import current_palette
from app.views.models.shown import Shown
from tally.traces.performance import Figures

Value = Callable[[Figures], float | None]


class Multiple(NamedTuple):
    """One of the small charts: a measure, and its text for the whole period."""

    title: str
    unit: str
    value: Value
    show: Callable[[Figures], str]
    otherwise: float | None = None  # where there were no requests
    behind: Value | None = None  # a dashed line


def render_courses(shown: Shown, chosen: Sequence[str]) -> None:
    """Latency, errors, cost, first token, speed and requests of the chosen models."""
    palette = current_palette()
    colours = dict(zip(chosen, charts.model_colours(palette), strict=False))
    render_heading("Over time")
    st.html(render_legend(colours.items(), palette.muted))
    with st.grid(3, min_column_width=260, gap="small"):
        for multiple in _list_multiples(shown):
            with st.container(border=True, gap="xsmall"):
                render_subheading(multiple.title)
                values = ((multiple.show(shown.names[name]), colours[name]) for name in chosen)
                st.html(render_legend(values, palette.ink))
                lines = [line for name in chosen for line in _draw(multiple, shown, name, colours[name])]
                _render_chart(multiple, shown, lines)


def _draw(multiple: Multiple, shown: Shown, name: str, colour: str) -> list[charts.Line]:
    points = shown.points_of(shown.names[name])
    values = follow(points, shown.moments, shown.zone, multiple.value, multiple.otherwise)
    if multiple.behind is None:
        return [charts.Line(name, values, colour)]
    behind = follow(points, shown.moments, shown.zone, multiple.behind)
    return [
        charts.Line(f"p95, {name}", values, colour),
        charts.Line(f"p50, {name}", behind, colour, is_dashed=True),
    ]


def _render_chart(multiple: Multiple, shown: Shown, lines: Sequence[charts.Line]) -> None:
    if not any(value is not None for line in lines for value in line.values):
        st.caption("Too few requests, or none that tell it.")
        return
    st.plotly_chart(
        charts.course(shown.moments, lines, current_palette(), multiple.unit, shown.is_hourly),
        theme=None,
        key=f"course-{multiple.title}",
        config=charts.config(shown.currency.code),
        alt=f"{multiple.title}, by {shown.question.granularity}.",
    )


def _list_multiples(shown: Shown) -> list[Multiple]:
    def cost(figures: Figures) -> float | None:
        return None if figures.usd_per_1000 is None else float(shown.convert(figures.usd_per_1000))

    return [
        Multiple(
            "Latency: p95, dotted p50",
            "ms",
            lambda one: one.latency_ms(95),
            lambda one: describe_latency(one, 95),
            behind=lambda one: one.latency_ms(50),
        ),
        Multiple("Error rate", "%", lambda one: one.error_rate, describe_rate),
        Multiple("Cost per 1,000 requests", "$", cost, shown.describe_cost),
        Multiple("Time to first token", "ms", lambda one: one.first_token_ms, describe_first_token),
        Multiple("Tokens per second", "", lambda one: one.tokens_per_second, describe_speed),
        Multiple(
            f"Requests per {shown.question.granularity}",
            "",
            lambda one: one.requests,
            lambda one: f"{one.requests:,}",
            otherwise=0,
        ),
    ]
