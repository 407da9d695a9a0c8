"""The project that pages show: `?project=<slug>` in the address, or else all of them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User
from app.auth.workspaces import WORKSPACE
from app.ui.periods import Period, render_period
from tally.storage.unnamed import UNASSIGNED, UNNAMED

PROJECT = "project"
CHOICE = "chosen_project"
CHOSEN_IN = "project_workspace"
ALL = ""
WITHOUT = "-"  # no slug of a project


def render_project_address() -> None:
    """Bind the project to the address on every page, as `render_address` does with the workspace.

    Another workspace has other projects, so changing to it shows all of them.
    """
    workspace = st.session_state.get(WORKSPACE)
    if st.session_state.get(CHOSEN_IN, workspace) != workspace:
        st.session_state[PROJECT] = ALL
    st.session_state[CHOSEN_IN] = workspace
    st.text_input("Project", key=PROJECT, bind="query-params")


def label_projects(projects: Sequence[data.Project]) -> dict[str, str]:
    """Slug -> name, as options of a field: equal names have their slugs, archived projects say so."""
    totals = Counter(project.name for project in projects)
    return {
        project.slug: project.name
        + (f" ({project.slug})" if totals[project.name] > 1 else "")
        + (" (archived)" if project.is_archived else "")
        for project in projects
    }


def choose_project(user: User) -> data.Project | None:
    """The field, in workspaces with projects; None stands for all, a project named Unassigned for none."""
    projects = data.load_projects_with_costs(user)
    if not projects:
        return None
    known = {project.slug: project for project in projects}
    known[WITHOUT] = data.Project(UNASSIGNED, UNNAMED[UNASSIGNED], WITHOUT)
    labels = {ALL: "All projects", **label_projects(projects), WITHOUT: UNNAMED[UNASSIGNED]}
    asked = st.session_state.get(PROJECT)
    st.session_state[CHOICE] = asked if asked in known else ALL
    chosen = st.selectbox(
        "Project",
        list(labels),
        format_func=lambda slug: labels[slug],
        key=CHOICE,
        on_change=_save_choice,
        label_visibility="collapsed",
        width=200,
    )
    return known.get(chosen or ALL)


def render_filters(user: User, today: date, default_preset: str) -> tuple[data.Project | None, Period]:
    """The project, where there are any, and the period."""
    has_projects = bool(data.load_projects(user))
    with (
        st.container(horizontal=True, width="content", vertical_alignment="center", gap="small")
        if has_projects
        else nullcontext()
    ):
        return choose_project(user), render_period(today, default_preset)


def _save_choice() -> None:
    st.session_state[PROJECT] = st.session_state[CHOICE]
