"""Cards with the spend of each project and each person."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.parts import REST, count_rest, sum_by_part
from app.figures.spend import select_money
from app.parts.explore_links import address_of, render_explored_heading, view_of
from app.ui.bar_list import render_bars
from app.ui.periods import Period
from app.ui.theme import current_palette
from app.views.overview.bars import list_bars
from tally.storage.unnamed import OTHER_PEOPLE, UNASSIGNED, UNNAMED, UNNAMED_PEOPLE

BARS = 8


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a split: their kind, their names, and those of what has none."""

    split: data.Split
    names: Mapping[str, str]
    unnamed: Mapping[str, str]


def render_splits(user: User, period: Period, project: data.Project | None, currency: str) -> None:
    """Spend by project in workspaces that have some, unless one is chosen; by person in shared ones."""
    projects = data.load_projects(user)
    if projects and project is None:
        names = {entry.project_id: entry.name for entry in projects}
        money = select_money(data.load_split(user, "project", period.first, period.last))
        _render_split(money, Parts("project", names, UNNAMED), currency, period)
    if user.workspace.is_personal:
        return
    names = {person.user_id: person.email for person in data.load_people(user).values()}
    project_id = project.project_id if project else None
    money = select_money(data.load_split(user, "person", period.first, period.last, project_id))
    money = money.assign(part=money["part"].where(money["part"].isin(list(names)), OTHER_PEOPLE))
    if money["part"].nunique() > 1:
        _render_split(money, Parts("person", names, UNNAMED_PEOPLE), currency, period)


def _render_split(money: pd.DataFrame, parts: Parts, currency: str, period: Period) -> None:
    palette = current_palette()
    totals = sum_by_part(money, parts.names, BARS)
    if totals.empty:
        return
    rest = count_rest(money, parts.names, BARS)
    labels = {**parts.names, **parts.unnamed, REST: f"{rest:,} more"}
    colours = {str(part): palette.accent for part in totals.index if part in parts.names}
    with st.container(border=True):
        title, view = f"Spend by {parts.split}", view_of(period, parts.split)
        render_explored_heading(title, view)
        ids: dict[str, str | None] = {part: part for part in colours}
        if parts.split == "project":
            ids[UNASSIGNED] = None
        places = {part: address_of(view.drill({parts.split: value})) for part, value in ids.items()}
        bars = list_bars(totals, labels, colours, currency, places)
        st.html(render_bars(bars, palette, title))
