"""One experiment: its verdict, charts, numbers and runs."""

from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.experiment_words import (
    RATIOS,
    describe_left_out,
    find_badge,
    find_best,
    list_numbers,
)
from app.formats.dates import format_day, format_instant
from app.formats.money import format_usd
from app.formats.text import escape_markdown, shorten
from app.parts.permissions import explain_fixed
from app.ui import charts, columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.ui.notices import explain_refusal, render_announcement
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.experiments.actions import render_actions, render_decisions, render_gathering
from app.views.experiments.address import render_way_back
from app.views.experiments.progress import draw_progress
from app.views.experiments.runs import render_runs
from tally.experiments.evaluation import Comparison, Evaluation
from tally.experiments.experiment import Experiment
from tally.experiments.words import write_detail, write_verdict
from tally.statistics import Interval, Ratio

FIGURE_WIDTH = 130  # pixels
MOST_LETTERS = 17  # of a variant in its heading, whose beginning the grid would cut


def render_detail(user: User, experiment: Experiment, evaluation: Evaluation) -> None:
    """The page of an experiment."""
    if explain_fixed(user) is None and experiment.is_outdated(datetime.now(UTC)):
        _gather(user, experiment)
    render_way_back()
    with title_row("Experiments"):
        render_actions(user, experiment)
    render_announcement()
    comparison = _choose_comparison(evaluation)
    _render_verdict(user, experiment, evaluation, comparison)
    left, right = st.columns(2, gap="small")
    with left:
        _render_ratios(comparison, evaluation)
    with right:
        _render_quality(experiment, comparison, evaluation)
    _render_numbers(experiment, evaluation, comparison)
    render_runs(user, experiment)


@explain_refusal
def _gather(user: User, experiment: Experiment) -> None:
    with st.skeleton(height=480):
        data.gather_runs(user, experiment.id)
    st.rerun()


def _choose_comparison(evaluation: Evaluation) -> Comparison:
    """The variant that is compared with the baseline: where there are several, the choice of the reader."""
    named = {one.side.variant.name: one for one in evaluation.comparisons}
    best = find_best(evaluation).side.variant.name
    if len(named) == 1:
        return named[best]
    chosen = st.segmented_control(
        "Variant compared with the baseline", list(named), default=best, required=True, key="compared-variant"
    )
    return named[chosen or best]


def _render_verdict(
    user: User, experiment: Experiment, evaluation: Evaluation, comparison: Comparison
) -> None:
    with st.container(border=True, gap="small", key="experiment_verdict"):
        text, icon, colour = find_badge(experiment, evaluation)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(escape_markdown(experiment.question or experiment.name), anchor=False, width="content")
            st.badge(text, icon=icon, color=colour)  # type: ignore[arg-type]
        st.caption(escape_markdown(_describe(user, experiment)))
        decision = experiment.decision
        sentence = decision["sentence"] if decision else write_verdict(experiment, evaluation, comparison)
        detail = decision["detail"] if decision else write_detail(experiment, evaluation, comparison)
        st.subheader(escape_markdown(sentence.removesuffix(".")), anchor=False)
        st.text(f"{detail}{_describe_saving(comparison) if not decision else ''}")
        if decision:
            st.caption(escape_markdown(_describe_decision(user, experiment)))
        render_decisions(user, experiment, evaluation, comparison)
        sides = (evaluation.base, *(one.side for one in evaluation.comparisons))
        st.html(draw_progress(sides, experiment.min_runs, current_palette()))
        render_gathering(user, experiment)
        for note in describe_left_out(experiment, sides):
            st.caption(note)


def _describe(user: User, experiment: Experiment) -> str:
    people = data.load_people(user)
    author = people.get(experiment.created_by or "")
    by = f" · started by {author.email}" if author else ""
    projects = {project.project_id: project.name for project in data.load_projects(user)}
    project = f" · project {projects[experiment.project_id]}" if experiment.project_id in projects else ""
    first = format_day(experiment.starts_at.astimezone(data.load_preferences(user).zone).date())
    return f"{experiment.name}{by}{project} · sessions from {first} on, each a run"


def _describe_decision(user: User, experiment: Experiment) -> str:
    if experiment.decided_at is None:
        return ""
    zone = data.load_preferences(user).zone
    who = data.load_people(user).get(experiment.decided_by or "")
    by = f" by {who.email}" if who else ""
    at = format_instant(experiment.decided_at, zone)
    return f"Decided for {experiment.decided_variant} on {at}{by}. These numbers stay."


def _describe_saving(comparison: Comparison) -> str:
    """The money that is at stake, where the variant is cheaper for sure."""
    saving = comparison.saving
    if saving is None or comparison.verdict is None or saving.low <= Decimal(0):
        return ""
    return (
        f" Switching the matched traffic would likely save {format_usd(saving.middle)} a month "
        f"({format_usd(saving.low)} to {format_usd(saving.high)})."
    )


def _render_ratios(comparison: Comparison, evaluation: Evaluation) -> None:
    name, base = comparison.side.variant.name, evaluation.base.variant.name
    told = [(RATIOS[key], ratio) for key in RATIOS if isinstance(ratio := comparison.ratios[key], Ratio)]
    with st.container(border=True):
        render_heading(escape_markdown(f"{name} compared with {base}"), "ratio of means, 95%")
        if not told:
            st.text("Too few runs to say: each side needs 30.")
            return
        st.plotly_chart(
            charts.ratio_intervals(told, current_palette()),
            theme=None,
            key="ratio_intervals",
            config=charts.config("USD"),
            alt=f"Cost, latency and tokens of {name} as multiples of those of {base}, with 95% intervals.",
        )


def _render_quality(experiment: Experiment, comparison: Comparison, evaluation: Evaluation) -> None:
    name, base = comparison.side.variant.name, evaluation.base.variant.name
    with st.container(border=True):
        render_heading(
            escape_markdown(f"Is {name} as good?"), escape_markdown(experiment.primary_score or "")
        )
        if not experiment.primary_score:
            st.text("No score was chosen, so costs alone decide.")
            return
        if not isinstance(comparison.quality, Interval):
            st.text("Too few scored runs to say: each side needs 30.")
            return
        is_rate = experiment.score_kind == "bool"
        st.plotly_chart(
            charts.quality_interval(
                comparison.quality, float(experiment.margin), 100 if is_rate else 1, current_palette()
            ),
            theme=None,
            key="quality_interval",
            config=charts.config("USD"),
            alt=f"Difference of quality between {name} and {base}, with its 95% interval and the margin.",
        )
        st.caption(escape_markdown(f"{name} minus {base}{', percentage points' if is_rate else ''}"))


def _render_numbers(experiment: Experiment, evaluation: Evaluation, comparison: Comparison) -> None:
    rows = list_numbers(experiment, evaluation, comparison)
    frame = pd.DataFrame(rows, columns=["measure", "base", "other", "difference", "interval"])
    kinds = {
        "measure": columns.fitting_text("Measure"),
        "base": columns.figure(shorten(evaluation.base.variant.name, MOST_LETTERS), FIGURE_WIDTH),
        "other": columns.figure(shorten(comparison.side.variant.name, MOST_LETTERS), FIGURE_WIDTH),
        "difference": columns.figure("Difference", FIGURE_WIDTH),
        "interval": columns.figure("95% interval", FIGURE_WIDTH),
    }
    lines = [Line(measure, f"{base} · {other} · {change}") for measure, base, other, change, _ in rows]
    with st.container(border=True):
        note = (
            "compared item by item"
            if comparison.is_paired
            else "an early look"
            if evaluation.is_early
            else ""
        )
        render_heading("Numbers", note)
        render_lines(frame, kinds, "The numbers of both variants", "experiment_numbers", lines)
