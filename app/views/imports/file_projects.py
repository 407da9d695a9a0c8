"""After an import: projects that its files name but no rule knows, and the way to file by them."""

from collections.abc import Sequence

import streamlit as st

from app import data
from app.auth.identity import User
from app.data import filing
from app.figures.filing import Rule
from app.formats.text import escape_markdown
from app.parts.rule_start import Fields, start_new_rule
from app.ui.cards import render_heading
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal
from app.views.imports.jobs import ImportJob
from tally.core.text import plural
from tally.importers.named_projects import list_names

FIELD, MATCH = "folder", "exact"  # rules know the column Project by this name


@explain_refusal
def render_file_projects(user: User, job: ImportJob) -> None:
    """A card for names of projects whose records are unassigned; for others than admins a sentence."""
    if not job.projects:
        return
    if not user.workspace.may_administer:
        listed = list_names(sorted(job.projects))
        st.caption(escape_markdown(f"{listed}: rules file records under projects, and admins make them."))
        return
    found = [
        each for each in filing.load_suggestions(user) if each.field == FIELD and each.value in job.projects
    ]
    if not found:
        return
    records = sum(each.records for each in found)
    with st.container(border=True):
        render_heading("Projects that the file names", plural(records, "record"))
        names = [each.value for each in found]
        st.text(f"{list_names(names)}: no rule knows the name, so the records are unassigned.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label = "File under this project" if len(names) == 1 else f"File under {len(names)} projects"
            if st.button(label, type="primary", icon=":material/create_new_folder:", key="file_projects"):
                file_under_names(user, names)
                st.rerun()
            if data.load_projects(user) and st.button(
                "Make a rule yourself", icon=":material/rule:", key="file_by_rule"
            ):
                start_new_rule(Fields(FIELD, MATCH, names[0]))
                switch_page("settings")
        st.caption("Makes a project of each name that is none yet, and a rule for it. Settings changes both.")


def file_under_names(user: User, names: Sequence[str]) -> None:
    """Make the projects and rules of these names, and file records by them."""
    projects = {
        project.name.casefold(): project.project_id
        for project in data.load_projects(user)
        if not project.is_archived
    }
    for name in names:
        if name.casefold() not in projects:
            projects[name.casefold()] = filing.create_project(user, name, is_private=False)
    before = filing.load_rules(user)
    rules = [*before, *(Rule(FIELD, MATCH, name, projects[name.casefold()]) for name in names)]
    plan = filing.save_rules(user, rules, before)
    announce(f"{plural(plan.records, 'record')} filed under {plural(len(names), 'project')}.")
