"""Two models side by side."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.figures.model_performance import describe_difference, list_measures
from app.formats.text import escape_markdown, shorten
from app.ui import charts, columns
from app.ui.cards import render_heading, render_subheading
from app.ui.legend import render_legend
from app.ui.line_list import Line, render_lines
from app.ui.theme import current_palette
from app.views.models.shown import Shown
from tally.traces.performance import FRACTIONS, Figures

FIGURE_WIDTH = 110  # pixels
MOST_LETTERS = 14  # of a model in its heading, whose beginning the grid would cut
MOST = 2


def choose_models(names: Mapping[str, Figures]) -> list[str]:
    """The field that chooses two models, in the address; without a choice the two with most requests."""
    chosen = st.multiselect(
        "Compare two models",
        list(names),
        max_selections=MOST,
        placeholder=" and ".join(list(names)[:MOST]),
        key="compare",
        bind="query-params",
    )
    return [name for name in chosen if name in names] or list(names)[:MOST]


def render_comparison(shown: Shown, chosen: Sequence[str]) -> None:
    """The measures of both, how they differ, and their latencies by percentile."""
    palette = current_palette()
    first, second = (shown.names[name] for name in chosen)
    measures = list_measures(shown.describe_cost)
    with st.container(border=True):
        render_heading("Comparison")
        st.html(render_legend(zip(chosen, charts.model_colours(palette), strict=True), palette.muted))
        left, right = st.columns([4, 3], gap="medium")
        with left:
            frame = pd.DataFrame(
                {
                    "measure": [measure.label for measure in measures],
                    "first": [measure.show(first) for measure in measures],
                    "second": [measure.show(second) for measure in measures],
                    "difference": [describe_difference(measure, first, second) for measure in measures],
                }
            )
            lines = [
                Line(str(row.measure), f"{row.first} · {row.second} · {row.difference}")
                for row in frame.itertuples()
            ]
            alt = f"{chosen[0]} and {chosen[1]} compared"
            render_lines(frame, _list_columns(chosen), alt, "comparison", lines)
            st.caption(escape_markdown(f"The difference is that of {chosen[1]} from {chosen[0]}."))
        with right:
            render_subheading("Latency by percentile")
            _render_curve((first, second), chosen)


def _render_curve(models: Sequence[Figures], chosen: Sequence[str]) -> None:
    palette = current_palette()
    lines = [
        charts.Line(name, [figures.latency_ms(percent) for percent in FRACTIONS], colour)
        for name, figures, colour in zip(chosen, models, charts.model_colours(palette), strict=True)
    ]
    if not any(value is not None for line in lines for value in line.values):
        st.text("These requests don't tell how long they took.")
        return
    st.plotly_chart(
        charts.latency_curve(lines, palette),
        theme=None,
        key="latency_curve",
        config=charts.config("USD"),
        alt=f"Latency of {chosen[0]} and {chosen[1]} from the 5th to the 99th percentile of requests.",
    )


def _list_columns(chosen: Sequence[str]) -> dict[str, columns.Column]:
    return {
        "measure": columns.text("Measure"),
        "first": columns.figure(shorten(chosen[0], MOST_LETTERS), FIGURE_WIDTH),
        "second": columns.figure(shorten(chosen[1], MOST_LETTERS), FIGURE_WIDTH),
        "difference": columns.figure("Difference", FIGURE_WIDTH),
    }
