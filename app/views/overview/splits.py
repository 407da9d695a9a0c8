"""Cards with the spend of each project."""

from collections.abc import Mapping

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.parts import REST, UNNAMED, count_rest, sum_by_part
from app.figures.spend import select_money
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.periods import Period
from app.ui.theme import current_palette
from tally.core.text import plural

BARS = 8


def render_splits(user: User, period: Period, project: data.Project | None, currency: str) -> None:
    """Spend by project in workspaces that have some, unless one is chosen."""
    projects = data.load_projects(user)
    if projects and project is None:
        names = {entry.project_id: entry.name for entry in projects}
        _render_split(user, period, names, currency)


def _render_split(user: User, period: Period, names: Mapping[str, str], currency: str) -> None:
    palette = current_palette()
    money = select_money(data.load_split(user, "project", period.first, period.last))
    totals = sum_by_part(money, names, BARS)
    if totals.empty:
        return
    labels = {**names, **UNNAMED, REST: plural(count_rest(money, names, BARS), "other project")}
    colours = {str(part): palette.accent for part in totals.index if part in names}
    with st.container(border=True):
        render_heading("Spend by project")
        st.plotly_chart(
            charts.spend_by_name(totals, labels, colours, palette, currency),
            theme=None,
            key="projects",
            config=charts.config(currency),
            alt=charts.describe_totals(totals, labels, currency, "project"),
        )
