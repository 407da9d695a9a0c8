"""The form of an experiment: its question, its first day and its variants, beside how it is judged."""

from datetime import datetime, time
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.ui.periods import EARLIEST_DAY, today_in
from app.ui.titles import title_row
from app.views.experiments.address import NEW, open_part, render_way_back
from app.views.experiments.judging_form import render_judging
from app.views.experiments.match_fields import ask_match
from tally.experiments.experiment import Experiment, Variant

MOST_VARIANTS = 6


def render_form(user: User, experiment: Experiment | None = None) -> None:
    """A new experiment, or a change of one."""
    render_way_back(*(("Back", experiment.id) if experiment else ()))
    title_row("Experiments")
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True):
        render_heading("Edit experiment" if experiment else "New experiment")
        question = st.text_input(
            "Question", experiment.question if experiment else "", max_chars=300,
            placeholder="Can refund answers move to a smaller model?", key="experiment-question",
        )  # fmt: skip
        name = st.text_input(
            "Short name", experiment.name if experiment else "", max_chars=100,
            placeholder="Refunds on a smaller model", key="experiment-name",
            help="Programs send runs under this name.",
        )  # fmt: skip
        project = _choose_project(user, experiment)
        first = _ask_first_day(user, experiment)
        variants = _render_variants(user, experiment)
    with right:
        judging = render_judging(experiment)
        is_sent = st.button(
            "Save" if experiment else "Start experiment",
            type="primary",
            width="stretch",
            key="experiment-save",
        )
    if is_sent:
        details = {"name": name, "question": question, "project_id": project, "variants": variants}
        with right:
            _save(user, experiment, details | first | judging.details, judging.fault)


@explain_refusal
def _save(user: User, experiment: Experiment | None, details: dict[str, Any], fault: str | None) -> None:
    if fault is None and details.get("starts_at", "") is None:
        fault = "Enter the first day."
    if fault:
        render_refusal(f"Nothing is saved yet. {fault}")
        return
    known = {"id": experiment.id} if experiment else {"status": "running"}
    experiment_id = data.save_experiment(user, details | known)
    st.session_state.pop(_name_count(experiment), None)
    announce(f"Experiment {details['name'].strip()} saved.")
    open_part(experiment_id)
    st.rerun()


def _choose_project(user: User, experiment: Experiment | None) -> str | None:
    projects = {project.project_id: project.name for project in data.load_projects(user)}
    if not projects:
        return None
    options = [None, *projects]
    chosen = experiment.project_id if experiment else None
    return st.selectbox(
        "Project", options, index=options.index(chosen) if chosen in options else 0,
        format_func=lambda one: projects.get(one, "All that are not private"), key="experiment-project",
    )  # fmt: skip


def _ask_first_day(user: User, experiment: Experiment | None) -> dict[str, str | None]:
    """The moment from which sessions count, where it is new: a day begins on the account's clock."""
    zone = data.load_preferences(user).zone
    kept = experiment.starts_at.astimezone(zone).date() if experiment else None
    today = today_in(zone)
    day = st.date_input(
        "First day", kept or today, min(kept or today, EARLIEST_DAY), kept or today, format="YYYY-MM-DD",
        help="Sessions from this day on are runs. After the start it can only become earlier.",
        key="experiment-first-day",
    )  # fmt: skip
    if day == kept:
        return {}
    return {"starts_at": datetime.combine(day, time(), zone).isoformat() if day else None}


def _render_variants(user: User, experiment: Experiment | None) -> list[dict[str, Any]]:
    """The fields of each variant; the first is the baseline."""
    kept: list[Variant | None] = [*experiment.variants] if experiment else [None, None]
    count = st.session_state.setdefault(_name_count(experiment), len(kept))
    kept = (kept + [None] * MOST_VARIANTS)[: max(count, len(kept))]
    listed = [_render_variant(user, nth, variant) for nth, variant in enumerate(kept)]
    if len(kept) < MOST_VARIANTS:
        st.button(
            "Add a variant",
            icon=":material/add:",
            type="tertiary",
            on_click=_add_variant,
            args=(_name_count(experiment),),
            key="add-variant",
        )
    return listed


def _name_count(experiment: Experiment | None) -> str:
    """The session key of the number of variants in the form, also of those that are not saved yet."""
    return f"experiment-variants-{experiment.id if experiment else NEW}"


def _add_variant(count: str) -> None:
    st.session_state[count] += 1


def _render_variant(user: User, nth: int, variant: Variant | None) -> dict[str, Any]:
    letter = chr(ord("A") + nth)
    match = variant.match if variant else {}
    key = f"variant-{variant.id if variant else letter}"
    is_baseline = variant.is_baseline if variant else nth == 0
    st.subheader(f"Variant {letter}{', the baseline' if is_baseline else ''}", anchor=False)
    name = st.text_input("Name", variant.name if variant else letter, max_chars=100, key=f"{key}-name")
    fields = ask_match(user, match, key)
    return {"name": name, "is_baseline": is_baseline, "match": fields} | (
        {"id": variant.id} if variant else {}
    )
