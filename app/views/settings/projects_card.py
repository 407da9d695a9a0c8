"""Settings card: projects, and the rules that file records under them."""

from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User
from app.data import filing
from app.figures.source_names import describe_source
from app.parts.project_choice import label_projects
from app.views.settings.project_dialogs import create_project
from app.views.settings.project_list import render_projects
from app.views.settings.rule_form import render_rule_form
from app.views.settings.rule_list import Names, render_rule_list
from tally.storage.unnamed import UNNAMED


def render_projects_card(user: User, today: date, currency: str) -> None:
    """Projects and rules; only admins can change them."""
    projects, rules = data.load_projects(user), filing.load_rules(user)
    may_change = user.workspace.may_administer
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Projects and rules", anchor=False, width="content")
        if may_change and st.button("New project", icon=":material/add:", key="new-project"):
            create_project()
    if not projects:
        st.caption("A project collects what belongs together: a product, a client, a team.")
        return
    names = _name_everything(user, projects)
    render_projects(user, projects, today, currency)
    render_rule_list(user, rules, names)
    if may_change:
        active = [project.project_id for project in projects if not project.is_archived]
        render_rule_form(user, rules, active, names)


def _name_everything(user: User, projects: list[data.Project]) -> Names:
    labels = label_projects(projects)
    return Names(
        projects={project.project_id: labels[project.slug] for project in projects} | UNNAMED,
        values={("source", source["id"]): describe_source(source) for source in data.load_sources(user)}
        | {("billing_account", account): name for account, name in data.load_account_names(user).items()},
        archived=frozenset(project.project_id for project in projects if project.is_archived),
    )
