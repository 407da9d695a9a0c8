"""The card of what spend was for: by agent, task, repository or another dimension that records name."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.data.dimension_costs import AskedCosts
from app.figures.dimension_bars import find_factor, make_bars
from app.figures.explore_view import ExploreView
from app.figures.spend import select_money
from app.parts.explore_links import address_of, render_explore_link, view_of
from app.ui.bar_list import render_bars
from app.ui.periods import EARLIEST_DAY, Period
from app.ui.theme import current_palette
from app.views.overview.bars import list_bars
from tally.core.dimensions import DIMENSION_NAMES, DIMENSIONS, DimensionName

BARS = 8
MOST_DAYS = timedelta(days=3_700)
# Not before it is chosen: these sums read every record of the period, 1 s for 200,000 of them.
CHOOSE = "Choose what to add up by: agents, tasks, repositories or another dimension."
NONE_NAMED = (
    "No record of this period names one. Agents' logs and telemetry do, telemetry by attributes such as "
    "`{attribute}`."
)
ATTRIBUTES: dict[DimensionName, str] = {
    "agent": "gen_ai.agent.name",
    "task": "task.name",
    "session": "gen_ai.conversation.id",
    "tool": "gen_ai.tool.name",
    "repository": "vcs.repository.name",
    "branch": "vcs.ref.head.name",
    "environment": "deployment.environment.name",
    "container": "container.name",
    "customer": "customer.id",
    "prompt": "gen_ai.prompt.name",
}


def render_dimensions(user: User, period: Period, project: data.Project | None, paid: pd.DataFrame) -> None:
    """Bars of the chosen dimension; `paid` are the period's daily costs."""
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
        ):
            st.header("Spend by what it was for", anchor=False, width="content")
            dimension: DimensionName | None = st.selectbox(
                "By",
                DIMENSION_NAMES,
                index=None,
                placeholder="Choose…",
                format_func=lambda name: DIMENSIONS[name].title,
                label_visibility="collapsed",
                key="by",
                bind="query-params",
                width=180,
            )
        if dimension is None:
            st.caption(CHOOSE)
        else:
            view = view_of(period, dimension)
            _render_bars(user, view, dimension, _ask(period, project), paid)
            render_explore_link("What it was for", view)


def _ask(period: Period, project: data.Project | None) -> AskedCosts:
    first = period.first or max(EARLIEST_DAY, period.last - MOST_DAYS)
    return AskedCosts(first, max(period.last, first), BARS, project.project_id if project else None)


def _render_bars(
    user: User, view: ExploreView, dimension: DimensionName, asked: AskedCosts, paid: pd.DataFrame
) -> None:
    costs = data.load_dimension_costs(user, dimension, asked)
    if not costs.has_values:
        st.caption(NONE_NAMED.format(attribute=ATTRIBUTES[dimension]))
        return
    currency = data.load_currency(user).code
    bars = make_bars(costs, find_factor(select_money(paid)), currency)
    palette = current_palette()
    colours = dict.fromkeys(bars.named, palette.accent)
    values = {key: part.value for key, part in zip(bars.labels, costs.parts, strict=True)}
    places = {key: address_of(view.drill({dimension: values[key]})) for key in bars.named}
    listed = list_bars(bars.amounts, bars.labels, colours, currency, places)
    st.html(render_bars(listed, palette, f"Spend by {DIMENSIONS[dimension].title.lower()}"))
