"""The table of models."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures.model_performance import (
    TOO_FEW,
    describe_first_token,
    describe_latency,
    describe_rate,
    describe_speed,
    explain_too_few,
    follow,
)
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.views.models.shown import Shown
from tally.core.text import plural
from tally.traces.performance import Figures

P50 = "Half of the requests were at least this fast. Failed requests are left out."
P95 = "95 of 100 requests were at least this fast; the slowest 5 took longer. Failed requests are left out."
P99 = (
    "99 of 100 requests were at least this fast; one in a hundred took longer. Failed requests are left out."
)
ABOUT = (
    "First token is the median of the requests that tell it. Tokens/s are output tokens while the answer is "
    "written. Per 1,000 is the cost of 1,000 requests. Failed ones without tokens count and cost nothing; "
    "those without a price are left out. A retry is a request right after a failed one of its model, in the "
    "same trace or session."
)


def render_models(shown: Shown) -> None:
    """The card with the table: on a phone a list."""
    names = shown.names
    with st.container(border=True):
        render_heading("Performance", plural(shown.found.requests, "request"))
        lines = [Line(name, _describe_line(figures, shown)) for name, figures in names.items()]
        columns_shown = _list_columns(shown.describe_cost)
        render_lines(describe_models(shown), columns_shown, "Performance of models", "models", lines)
        notes = [ABOUT, explain_too_few(list(names.values()))]
        if shown.found.names > len(names):
            notes.append(f"The {len(names)} models with most requests are listed, of {shown.found.names:,}.")
        st.caption(" ".join(note for note in notes if note))


def describe_models(shown: Shown) -> pd.DataFrame:
    """The rows of the table; cells of figures are the model's, from which the columns take theirs."""
    figures = list(shown.names.values())
    by_model = defaultdict(list)
    for point in shown.found.points:
        by_model[point.key].append(point)

    def course(model: Figures) -> list[float]:
        followed = follow(by_model[model.key], shown.moments, shown.zone, lambda point: point.latency_ms(95))
        known = [value for value in followed if value is not None]
        return known if len(known) > 1 else []  # zeros in quiet hours would look like quick answers

    frame = pd.DataFrame(
        {
            "model": list(shown.names),
            "provider": [each.provider_title for each in figures],
            "requests": [each.requests for each in figures],
            **{
                name: pd.Series(figures, dtype=object)
                for name in ("error_rate", "p50", "p95", "p99", "first_token", "speed", "cost")
            },
            "retries": [each.retries for each in figures],
            "course": [course(each) for each in figures],
        }
    )
    return frame if frame["retries"].any() else frame.drop(columns="retries")


def _figure(
    label: str,
    show: Callable[[Figures], str],
    value: Callable[[Figures], float | Decimal | None],
    help: str | None = None,
) -> columns.Column:
    """A column of figures that sorts by value; those that are missing come before all, each kind together."""

    def sort_value(figures: Figures) -> float:
        found = value(figures)
        if found is None:
            return columns.BELOW_ALL if show(figures) == TOO_FEW else columns.BELOW_ALL * 2
        return float(found)

    return columns.number(label, show, sort_value, help)


def _latency(percent: int, help: str) -> columns.Column:
    return _figure(
        f"p{percent}",
        lambda figures: describe_latency(figures, percent),
        lambda figures: figures.latency_ms(percent),
        help,
    )


def _list_columns(cost: Callable[[Figures], str]) -> dict[str, columns.Column]:
    return {
        "model": columns.name("Model", most_width=150),
        "provider": columns.name("Provider", most_width=110),
        "requests": columns.count("Requests"),
        "error_rate": _figure("Errors", describe_rate, lambda one: one.error_rate),
        "p50": _latency(50, P50),
        "p95": _latency(95, P95),
        "p99": _latency(99, P99),
        "first_token": _figure("First token", describe_first_token, lambda one: one.first_token_ms),
        "speed": _figure("Tokens/s", describe_speed, lambda one: one.tokens_per_second),
        "cost": _figure("Per 1,000", cost, lambda one: one.usd_per_1000),
        "course": columns.trend("p95 trend"),
        "retries": columns.count("Retries"),
    }


def _describe_line(figures: Figures, shown: Shown) -> str:
    parts = [
        plural(figures.requests, "request"),
        f"{describe_rate(figures)} failed",
        f"p50 {describe_latency(figures, 50)}",
        f"p95 {describe_latency(figures, 95)}",
    ]
    if figures.tokens_per_second is not None:
        parts.append(f"{describe_speed(figures)} tokens/s")
    return " · ".join([*parts, f"{shown.describe_cost(figures)} per 1,000"])
