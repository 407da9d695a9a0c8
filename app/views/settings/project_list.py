"""Settings: the projects of a workspace with their spend of this month."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User
from app.data import filing
from app.figures.project_shares import share_out
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.parts.project_choice import label_projects
from app.ui import columns
from app.ui.cards import render_subheading
from app.ui.line_list import Line, render_choices, render_lines, selected_line
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from app.views.settings.confirmation import Change, confirm_change
from app.views.settings.project_dialogs import choose_members, edit_project
from tally.storage.unnamed import UNNAMED

RESTORED = "restored_project"


def render_projects(user: User, projects: Sequence[data.Project], today: date, currency: str) -> None:
    """The table, with buttons for the selected project."""
    labels = label_projects(projects)
    split = data.load_split(user, "project", today.replace(day=1), today)
    table = share_out(split, [(project.project_id, labels[project.slug]) for project in projects])
    total = format_money(sum(table["cost"], Decimal(0)), currency)
    render_subheading("Projects", escape_markdown(f"{total} this month"))
    key = f"projects-{hash(tuple(projects))}"
    kinds = {
        "name": columns.name("Project"),
        "cost": columns.money("Spend", currency),
        "share": columns.share("Share"),
    }
    alt = "Projects with their spend"
    lines = [
        Line(row["name"], " · ".join([format_money(row["cost"], currency), *_describe_share(row["share"])]))
        for row in table.to_dict("records")
    ]
    if not user.workspace.may_administer:
        render_lines(table, kinds, alt, key, lines)
        return
    render_choices(table, kinds, alt, key, lines)
    position = selected_line(key, len(table))
    chosen = None if position is None else str(table["project_id"].iloc[position])
    _render_actions(user, {project.project_id: project for project in projects}.get(chosen or ""))
    if chosen in UNNAMED:
        st.caption(f"{UNNAMED[chosen]} is not a project, and cannot be edited.")
    _render_restoring(user, projects, labels)


def _describe_share(share: float | None) -> list[str]:
    return [] if share is None else [f"{share:.0f}% of spend"]


def _render_actions(user: User, project: data.Project | None) -> None:
    is_archived = project is not None and project.is_archived
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_fixed = project is None
        if st.button("Edit", icon=":material/edit:", disabled=is_fixed, key="edit-project") and project:
            edit_project(project)
        if project and project.is_private and st.button("Members", icon=":material/group:", key="members"):
            choose_members(project)
        label, icon = ("Restore", "unarchive") if is_archived else ("Archive", "archive")
        archive = st.button(label, icon=f":material/{icon}:", disabled=is_fixed, key="archive-project")
        if archive and project and is_archived:
            st.session_state[RESTORED] = project.project_id
        elif archive and project:
            _archive(user, project)


@explain_refusal
def _archive(user: User, project: data.Project) -> None:
    filing.archive_project(user, project.project_id)
    announce_in(
        "projects",
        f"{project.name} archived. Its records stay in it, and its rules wait until you restore it.",
    )
    st.rerun()


def _render_restoring(user: User, projects: Sequence[data.Project], labels: Mapping[str, str]) -> None:
    asked = st.session_state.get(RESTORED)
    project = next((one for one in projects if one.project_id == asked and one.is_archived), None)
    if project is None:
        return
    st.text(f"Restore {project.name}. Its rules apply again.")
    is_done = confirm_change(
        Change(
            preview=lambda: filing.preview_restore(user, project.project_id),
            save=lambda: filing.restore_project(user, project.project_id),
            names={one.project_id: labels[one.slug] for one in projects} | UNNAMED,
            otherwise="Restore the project",
            done=f"{project.name} restored.",
            key=f"restore-{project.project_id}",
            card="projects",
        )
    )
    if is_done:
        del st.session_state[RESTORED]
        st.rerun()
