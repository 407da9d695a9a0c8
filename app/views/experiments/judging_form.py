"""The part of an experiment's form that says how it is judged: score, margin, and the runs that they take."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import streamlit as st

from app.figures.experiment_words import describe_needed
from app.ui.cards import render_heading
from app.ui.notices import render_refusal
from tally.experiments.experiment import Experiment
from tally.statistics import calculate_power, needed_runs, needed_runs_of_means

KINDS = {"bool": "Pass or fail", "rating": "Rating from 1 to 5", "number": "Number"}
MOST_MARGINS = {"bool": Decimal("0.5"), "rating": Decimal(4), "number": Decimal(999_999_999_999)}
MOST_SHOWN = {"bool": ", up to 50 points", "rating": ", up to 4", "number": ""}
FEWEST_RUNS, MOST_RUNS = 30, 20_000
USUAL_RATE = 90  # percent
STAYS = "It stays, as the experiment has started. To judge by another, make a new experiment."


class Judging(NamedTuple):
    """The details as they are saved, and the sentence on what is wrong with them."""

    details: dict[str, Any]
    fault: str | None


def render_judging(experiment: Experiment | None) -> Judging:
    """The score and its margin, and the runs that they take, said before any is made."""
    is_started = experiment is not None and (experiment.status == "running" or bool(experiment.runs))
    with st.container(border=True):
        render_heading("How it is judged")
        score = st.text_input(
            "Score", experiment.primary_score or "" if experiment else "correct", max_chars=100,
            help=STAYS if is_started
            else "The name of the score that says whether a run was good. Without one, costs alone decide.",
            disabled=is_started, key="experiment-score",
        )  # fmt: skip
        kinds = list(KINDS)
        kind = st.selectbox(
            "Kind of score", kinds, index=kinds.index(experiment.score_kind) if experiment else 0,
            format_func=KINDS.__getitem__, disabled=is_started, key="experiment-kind",
        )  # fmt: skip
        margin, margin_fault = _ask_margin(experiment, kind, is_started)
        is_planned = bool(score.strip()) and kind != "number" and margin is not None
        needed = _say_needed(kind, margin) if is_planned and margin else 400 if score.strip() else 100
        runs, runs_fault = _ask_runs(experiment, needed, is_started)
        if is_planned and kind == "bool" and margin and not runs_fault:
            _say_power(margin, runs)
    details = {"primary_score": score, "score_kind": kind, "margin": str(margin), "min_runs": runs}
    return Judging(details, margin_fault or runs_fault)


def _ask_margin(experiment: Experiment | None, kind: str, is_started: bool) -> tuple[Decimal | None, str]:
    """The margin and its fault; with a fault there is none."""
    is_rate = kind == "bool"
    kept = experiment.margin if experiment and experiment.score_kind == kind else None
    shown = _show_margin(kept, is_rate) if kept else "5" if is_rate else "0.2"
    text = st.text_input(
        "Margin, in percentage points" if is_rate else "Margin", shown, max_chars=40,
        help="A variant that is worse by less than this counts as equally good.",
        key=f"experiment-margin-{kind}",
    )  # fmt: skip
    margin = _read_margin(text, is_rate)
    fault = ""
    if margin is None:
        fault = "Enter the margin as a number, such as 5."
    elif not 0 < margin <= MOST_MARGINS[kind]:
        fault = f"Give a margin above 0{MOST_SHOWN[kind]}."
    elif is_started and kept is not None and margin > kept:
        fault = f"The margin stays at {shown} or less, as the experiment has started."
    if fault:
        render_refusal(fault)
    return (None, fault) if fault else (margin, "")


def _show_margin(margin: Decimal, is_rate: bool) -> str:
    return f"{(margin * (100 if is_rate else 1)).normalize():f}"


def _read_margin(text: str, is_rate: bool) -> Decimal | None:
    try:
        value = Decimal(text.strip().removesuffix("%").replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return value / 100 if is_rate else value


def _ask_runs(experiment: Experiment | None, needed: int, is_started: bool) -> tuple[int, str]:
    """The planned runs of a variant, and their fault."""
    kept = experiment.min_runs if experiment else min(max(needed, FEWEST_RUNS), MOST_RUNS)
    runs = st.number_input(  # with bounds it would drop a number outside without a word
        "Runs of each variant", value=kept, step=1,
        help="The verdict is given at this number. Before, you see an early look.",
        key=f"experiment-runs-{0 if experiment else needed}",
    )  # fmt: skip
    fault = ""
    if not FEWEST_RUNS <= runs <= MOST_RUNS:
        fault = f"Plan {FEWEST_RUNS} to {MOST_RUNS:,} runs of each variant."
    elif is_started and runs < kept:
        fault = f"The runs of each variant stay at {kept:,} or more, as the experiment has started."
    if fault:
        render_refusal(fault)
    return int(runs), fault


def _say_needed(kind: str, margin: Decimal) -> int:
    """The runs that are needed, for the pass rate or the spread of ratings that the baseline likely has."""
    if kind == "bool":
        rate = st.slider("Pass rate that you expect, in percent", 50, 99, USUAL_RATE, key="experiment-rate")
        needed = needed_runs(rate / 100, float(margin))
    else:
        spread = st.slider("Standard deviation of ratings that you expect", 0.2, 2.0, 1.0, 0.1)
        needed = needed_runs_of_means(spread, float(margin))
    st.text(describe_needed(needed))
    return needed


def _say_power(margin: Decimal, runs: int) -> None:
    rate = st.session_state.get("experiment-rate", USUAL_RATE) / 100
    share = round(100 * calculate_power(rate, float(margin), runs))
    st.caption(f"{runs:,} a side confirm equal quality in {share} of 100 such tests.")
