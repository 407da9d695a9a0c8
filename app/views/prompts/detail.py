"""One prompt: its versions beside each other, what changed, and its traffic."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.prompt_words import compare_in_words, compare_quality_in_words, describe_live
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.ui.titles import title_row, way_back
from app.views.prompts.actions import render_actions, render_new_button
from app.views.prompts.address import Shown, choose_days, leave
from app.views.prompts.changes import render_changes
from app.views.prompts.traffic import render_traffic
from app.views.prompts.versions import render_intervals, render_versions
from tally.core.text import plural
from tally.prompts.figures import PromptFigures, VersionFigures, find_newest_pair
from tally.prompts.scores import PromptScores
from tally.prompts.stored import Prompt


def _render_way_back() -> None:
    way_back("Prompts", "back_to_prompts", leave)


def render_missing(name: str) -> None:
    """A prompt that is unknown, or that others may see."""
    _render_way_back()
    st.title("Prompt", anchor=False)
    with st.container(border=True):
        st.text("There is no such prompt.")
        st.caption(
            "It may belong to a project that your role does not show. "
            f"Its name is {escape_markdown(name[:60])}."
        )


def render_title(user: User, prompt: Prompt) -> int:
    """The title with its buttons; returns the days of the chosen period."""
    _render_way_back()
    with (
        title_row(escape_markdown(prompt.name)),
        st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"),
    ):
        days = choose_days()
        render_actions(user, prompt)
        if not prompt.is_archived:
            render_new_button(user, prompt.name)
    return days


def render_detail(shown: Shown, prompt: Prompt) -> None:
    """The cards of a prompt."""
    figures = shown.load_figures(prompt.name)
    _render_caption(shown, prompt, figures)
    pair = find_newest_pair(figures.of(prompt.name)) if figures else None
    scores = shown.load_scores(prompt.name)
    if pair:
        _render_pair(pair, scores)
    render_versions(shown, prompt, figures)
    if figures is not None and figures.versions:
        render_intervals(shown, figures, scores)
    render_changes(shown, prompt)
    if figures is not None:
        render_traffic(prompt, figures)


def _render_pair(pair: tuple[VersionFigures, VersionFigures], scores: PromptScores) -> None:
    """The newest version against the one before it: what it costs, and if it is as good."""
    told = [scores.of_version(one.prompt, one.number, one.told) for one in pair]
    quality = compare_quality_in_words(told[0], told[1], (pair[0].name, pair[1].name))
    cost = escape_markdown(compare_in_words(*pair))
    st.info(f"**{cost}**  \n{escape_markdown(quality)}", icon=":material/info:")


def _render_caption(shown: Shown, prompt: Prompt, figures: PromptFigures | None) -> None:
    parts = ["archived"] if prompt.is_archived else []
    parts += [describe_live(live) for live in prompt.live] or ["nothing is deployed"]
    projects = {project.project_id: project.name for project in data.load_projects(shown.user)}
    if prompt.project_id in projects:
        parts.append(f"project {projects[prompt.project_id]}")
    if prompt.tags:
        parts.append(", ".join(prompt.tags))
    if figures is not None:
        sums = figures.sum_up().get(prompt.name)
        models = list(dict.fromkeys(one.model_name for one in figures.versions))
        parts += [", ".join(models[:3])] if models else []
        if sums is not None:
            cost = format_money(shown.convert(sums.cost_usd), shown.currency.code)
            parts.append(f"{plural(sums.calls, 'call')} and {cost} in {shown.days} days")
    st.caption(escape_markdown(" · ".join(parts)))
