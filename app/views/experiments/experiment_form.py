"""The form of an experiment: its question, its variants, and how many runs it will take."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.experiment_words import describe_needed
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.ui.titles import title_row
from app.views.experiments.address import NEW, open_part, render_way_back
from tally.experiments.experiment import Experiment, Variant
from tally.statistics import calculate_power, needed_runs

KEYS = {"model": "Model", "prompt": "Prompt", "prompt_version": "Prompt version"}
MORE_KEYS = {"provider": "Provider", "tag": "Tag", "agent": "Agent"}
KINDS = {"bool": "Pass or fail", "rating": "Rating from 1 to 5", "number": "Number"}
MOST_VARIANTS = 6
USUAL_RATE = 90  # percent


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
        variants = _render_variants(experiment)
    with right:
        plan = _render_plan(experiment)
        is_sent = st.button(
            "Save" if experiment else "Start experiment",
            type="primary",
            width="stretch",
            key="experiment-save",
        )
    if is_sent:
        details = {"name": name, "question": question, "project_id": project, "variants": variants} | plan
        with right:
            _save(user, experiment, details)


@explain_refusal
def _save(user: User, experiment: Experiment | None, details: dict[str, Any]) -> None:
    if details["margin"] is None:
        render_refusal("Enter the margin as a number, such as 5.")
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


def _render_variants(experiment: Experiment | None) -> list[dict[str, Any]]:
    """The fields of each variant; the first is the baseline."""
    kept: list[Variant | None] = [*experiment.variants] if experiment else [None, None]
    count = st.session_state.setdefault(_name_count(experiment), len(kept))
    kept = (kept + [None] * MOST_VARIANTS)[: max(count, len(kept))]
    listed = [_render_variant(nth, variant) for nth, variant in enumerate(kept)]
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


def _render_variant(nth: int, variant: Variant | None) -> dict[str, Any]:
    letter = chr(ord("A") + nth)
    match = variant.match if variant else {}
    key = f"variant-{variant.id if variant else letter}"
    is_baseline = variant.is_baseline if variant else nth == 0
    st.subheader(f"Variant {letter}{', the baseline' if is_baseline else ''}", anchor=False)
    name = st.text_input("Name", variant.name if variant else letter, max_chars=100, key=f"{key}-name")
    with st.container(horizontal=True, gap="small"):
        fields = _ask_match(KEYS, match, key)
    with st.expander("Match by provider, tag or agent", expanded=any(map(match.get, MORE_KEYS))):
        fields |= _ask_match(MORE_KEYS, match, key)
    return {"name": name, "is_baseline": is_baseline, "match": fields} | (
        {"id": variant.id} if variant else {}
    )


def _ask_match(names: Mapping[str, str], match: Mapping[str, str], key: str) -> dict[str, str]:
    return {
        column: st.text_input(label, match.get(column, ""), max_chars=200, key=f"{key}-{column}")
        for column, label in names.items()
    }


def _render_plan(experiment: Experiment | None) -> dict[str, Any]:
    """The score and its margin, and the runs that they take, said before any is made."""
    with st.container(border=True):
        render_heading("How it is judged")
        score = st.text_input(
            "Score", experiment.primary_score or "" if experiment else "correct", max_chars=100,
            help="The name of the score that says whether a run was good. Without one, costs alone decide.",
            key="experiment-score",
        )  # fmt: skip
        kinds = list(KINDS)
        kind = st.selectbox(
            "Kind of score", kinds, index=kinds.index(experiment.score_kind) if experiment else 0,
            format_func=KINDS.__getitem__, key="experiment-kind",
        )  # fmt: skip
        is_rate = kind == "bool"
        margin_shown = (
            _show_margin(experiment)
            if experiment and experiment.score_kind == kind
            else ("5" if is_rate else "0.2")
        )
        margin = _read_margin(
            st.text_input(
                "Margin, in percentage points" if is_rate else "Margin", margin_shown,
                help="A variant that is worse by less than this counts as equally good.",
                key=f"experiment-margin-{kind}",
            ),
            is_rate,
        )  # fmt: skip
        needed = _say_needed(margin, is_rate) if score.strip() else 100
        min_runs = st.number_input(
            "Runs of each variant", 30, 20_000,
            experiment.min_runs if experiment else min(max(needed, 30), 20_000),
            help="The verdict is given at this number. Before, you see an early look.",
            key=f"experiment-runs-{0 if experiment else needed}",
        )  # fmt: skip
        _say_power(margin, is_rate, int(min_runs), bool(score.strip()))
    return {
        "primary_score": score,
        "score_kind": kind,
        "margin": None if margin is None else str(margin),
        "min_runs": int(min_runs),
    }


def _show_margin(experiment: Experiment) -> str:
    scale = 100 if experiment.score_kind == "bool" else 1
    return f"{(experiment.margin * scale).normalize():f}"


def _read_margin(text: str, is_rate: bool) -> Decimal | None:
    try:
        value = Decimal(text.strip().removesuffix("%").replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return value / 100 if is_rate else value


def _say_needed(margin: Decimal | None, is_rate: bool) -> int:
    """The runs that are needed, for the pass rate that the baseline likely has."""
    if not is_rate or margin is None or not 0 < margin <= Decimal("0.5"):
        return 400
    rate = st.slider("Pass rate that you expect, in percent", 50, 99, USUAL_RATE, key="experiment-rate")
    needed = needed_runs(rate / 100, float(margin))
    st.text(describe_needed(needed))
    return needed


def _say_power(margin: Decimal | None, is_rate: bool, runs: int, is_scored: bool) -> None:
    if not is_scored or not is_rate or margin is None or not 0 < margin <= Decimal("0.5"):
        return
    rate = st.session_state.get("experiment-rate", USUAL_RATE) / 100
    share = round(100 * calculate_power(rate, float(margin), runs))
    st.caption(f"{runs:,} a side confirm equal quality in {share} of 100 such tests.")
