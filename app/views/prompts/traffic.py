"""The traffic of a prompt by version, day by day."""

import streamlit as st

from app.formats.text import escape_markdown
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.legend import render_legend
from app.ui.theme import current_palette
from app.views.prompts.versions import colour_versions
from tally.prompts.figures import PromptFigures, list_days
from tally.prompts.stored import PRODUCTION, Prompt


def render_traffic(prompt: Prompt, figures: PromptFigures) -> None:
    """The card with the shares of versions, beside what was set."""
    if not figures.days:
        return
    palette = current_palette()
    calls = _count_calls(figures)
    colours = colour_versions(figures.versions)
    with st.container(border=True):
        render_heading("Traffic", "share of calls a day")
        st.html(render_legend(colours.items(), palette.muted))
        st.plotly_chart(
            charts.traffic(list_days(figures.first, figures.last), calls, colours, palette),
            theme=None,
            key="traffic",
            config=charts.config("USD"),
            alt="Shares of calls by version and day.",
        )
        if said := _compare_with_set(prompt, figures):
            st.caption(escape_markdown(said))


def _count_calls(figures: PromptFigures) -> dict[str, list[int]]:
    """Calls of each version on each day of the period."""
    days = list_days(figures.first, figures.last)
    calls = {one.name: dict.fromkeys(days, 0) for one in figures.versions}
    names = {(one.number, one.told): one.name for one in figures.versions}
    for day in figures.days:
        calls[names[day.number, day.told]][day.day] = day.calls
    return {name: list(found.values()) for name, found in calls.items()}


def _compare_with_set(prompt: Prompt, figures: PromptFigures) -> str:
    """Shares of calls beside those that production was set to; empty where nothing runs."""
    live = prompt.runs(PRODUCTION)
    total = sum(one.calls for one in figures.versions)
    if live is None or not total:
        return ""
    calls = {one.number: one.calls for one in figures.versions}
    parts = [
        f"v{number} had {calls.get(number, 0) / total:.0%}, {share.normalize():f}% is set now"
        for number, share in sorted(live.shares.items(), reverse=True)
    ]
    return f"Of the calls of this period, {'; '.join(parts)}."
