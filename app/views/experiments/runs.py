"""The runs of an experiment: newest first, by variant, as a table and as CSV."""

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.experiment_words import show_score
from app.formats.dates import format_instant
from app.formats.durations import MS, format_duration
from app.formats.money import format_unit_price
from app.formats.text import DASH
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.navigation import switch_page
from tally.experiments.experiment import Experiment, Run
from tally.storage.export import escape_formula

SHOWN = 25
ALL, FAILED = "All", "Failed"
COUNTED = "Runs of other people count in the figures, and are not shown one by one."
KEY = "experiment_runs"


def render_runs(user: User, experiment: Experiment) -> None:
    """The table with its filter; a selected run opens its session."""
    zone = data.load_preferences(user).zone
    names = {variant.nth: variant.name for variant in experiment.variants}
    with st.container(border=True):
        render_heading("Runs")
        if not experiment.runs:
            st.text(
                "No runs yet. They come from records that name a session, from a file, or from your programs."
            )
            return
        if len(experiment.shown_runs) < len(experiment.runs):
            st.caption(COUNTED)
        if not experiment.shown_runs:
            return
        kept = _choose(experiment)
        newest = kept[:SHOWN]
        frame = pd.DataFrame(
            [
                (
                    format_instant(run.happened_at, zone),
                    run.session,
                    names[run.variant],
                    DASH if run.input_tokens is None else f"{run.input_tokens:,}",
                    DASH if run.output_tokens is None else f"{run.output_tokens:,}",
                    DASH if run.latency_ms is None else format_duration(run.latency_ms * MS),
                    DASH if run.cost_usd is None else format_unit_price(run.cost_usd, "USD"),
                    show_score(experiment, run),
                    run.scored_by or DASH,
                )
                for run in newest
            ],
            columns=["when", "session", "variant", "input", "output", "latency", "cost", "score", "by"],
        )
        kinds = {
            "when": columns.fitting_text("When"),
            "session": columns.name("Session"),
            "variant": columns.text("Variant"),
            "input": columns.figure("Input tokens"),
            "output": columns.figure("Output tokens"),
            "latency": columns.figure("Latency"),
            "cost": columns.figure("Cost"),
            "score": columns.text("Score"),
            "by": columns.text("Scored by"),
        }
        lines = [
            Line(str(row.session), f"{row.variant} · {row.cost} · {row.score} · {row.when}")
            for row in frame.itertuples()
        ]
        place = selected_line(KEY, len(newest))
        if place is not None and newest[place].source == "records":
            switch_page("traces", session=newest[place].session)
        render_choices(frame, kinds, "Newest runs", KEY, lines)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"Newest {len(newest):,} of {len(kept):,}. To open the session of one, select it.")
            st.download_button(
                "Export CSV", lambda: _write_csv(experiment, kept), f"{experiment.name}.csv", "text/csv",
                icon=":material/download:", on_click="ignore", key="export_runs",
            )  # fmt: skip


def _choose(experiment: Experiment) -> list[Run]:
    """The field of the filter; the runs of the choice."""
    shown = experiment.shown_runs
    runs: dict[str | int, list[Run]] = {ALL: shown}
    runs |= {
        variant.nth: [run for run in shown if run.variant == variant.nth] for variant in experiment.variants
    }
    if failed := [run for run in shown if _has_failed(experiment, run)]:
        runs[FAILED] = failed
    names: dict[str | int, str] = {variant.nth: variant.name for variant in experiment.variants}
    chosen = st.segmented_control(
        "Runs shown", list(runs), default=ALL, required=True,
        format_func=lambda one: f"{names.get(one, one)} {len(runs[one]):,}", key="shown_runs",
        label_visibility="collapsed",
    )  # fmt: skip
    return runs.get(chosen, runs[ALL])


def _has_failed(experiment: Experiment, run: Run) -> bool:
    return run.ok is False or (experiment.score_kind == "bool" and run.score == 0)


def _write_csv(experiment: Experiment, runs: list[Run]) -> str:
    """The runs as a file that can be brought again."""
    names = {variant.nth: variant.name for variant in experiment.variants}
    score = f"score:{experiment.primary_score}"
    frame = pd.DataFrame(
        [
            {
                "variant": names[run.variant],
                "session": run.session,
                "item_key": run.item_key,
                "happened_at": run.happened_at.isoformat(),
                "cost_usd": None if run.cost_usd is None else f"{run.cost_usd:f}",
                "input_tokens": run.input_tokens,
                "output_tokens": run.output_tokens,
                "calls": run.calls,
                "latency_ms": run.latency_ms,
                "ok": None if run.ok is None else str(run.ok).lower(),
            }
            | ({score: None if run.score is None else f"{run.score:f}"} if experiment.primary_score else {})
            for run in runs
        ],
        dtype=object,
    )
    return str(frame.map(escape_formula).to_csv(index=False))
