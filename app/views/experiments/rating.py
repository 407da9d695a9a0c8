"""A quiet page to rate runs, one after the other, without saying which variant they are of.

A session shows its models, and its name may have that of a variant: both are shown once the run is rated.
"""

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.text import escape_markdown
from app.ui.navigation import kept_parameters
from app.ui.notices import explain_refusal
from app.ui.pages import page_path
from app.ui.titles import title_row
from app.views.experiments.address import render_way_back
from tally.experiments.experiment import Experiment, Run, Unrated

SKIPPED, RATED, AT_ONCE = "experiment-skipped", "experiment-rated", "experiment-rated-at-once"
CHOICES = {
    "bool": (("Pass", "p", Decimal(1)), ("Fail", "f", Decimal(0))),
    "rating": tuple((str(value), str(value), Decimal(value)) for value in range(1, 6)),
}


def render_rating(user: User, experiment: Experiment) -> None:
    """The next run that nobody rated, with a button for each score; keys do the same."""
    render_way_back("Back to the experiment", experiment.id)
    title_row("Experiments")
    choices = CHOICES.get(experiment.score_kind)
    waiting = list_unrated(experiment)
    skipped = st.session_state.setdefault(SKIPPED, set())
    shown = next((run for run in waiting if run.id not in skipped), None)
    with st.container(border=True, gap="medium", key="rating"):
        if choices is None:
            st.text(
                "Scores of this experiment are plain numbers: bring them with a file or from your programs."
            )
            return
        st.header(escape_markdown(f"Rate: {experiment.primary_score}"), anchor=False)
        _render_rated(experiment)
        if shown is None:
            st.text("Every run is rated." if not waiting else "You skipped the rest.")
            return
        st.caption(f"{len(waiting):,} to rate. The variant is not shown, so that it doesn't sway you.")
        st.subheader(escape_markdown(name_run(experiment, shown)), anchor=False)
        with st.container(horizontal=True, gap="small"):
            for label, key, _ in choices:
                st.button(
                    label,
                    shortcut=key,
                    key=_name(shown, key),
                    on_click=_rate,
                    args=(user, experiment, shown),
                    width=110,
                )
            if st.button("Skip", shortcut="s", type="tertiary", key=_name(shown, "skip")):
                skipped.add(shown.id)
                st.rerun()
        if st.session_state.pop(AT_ONCE, None) == shown.id:
            st.caption("Two keys came at once, and neither counts. Rate this run again.")


def _name(run: Run | Unrated, key: str) -> str:
    return f"rate-{key}-{run.id}"


def _render_rated(experiment: Experiment) -> None:
    """The run that was rated last, by its name, with the way to its session."""
    rated = next((run for run in experiment.runs if run.id == st.session_state.get(RATED)), None)
    if rated is None or rated.scored_by != "human":
        return
    st.caption(escape_markdown(f"Rated: {rated.session}"))
    if rated.source == "records":
        st.page_link(
            page_path("traces"),
            label="Open the session that you rated",
            icon=":material/account_tree:",
            query_params=kept_parameters() | {"session": rated.session},
        )


def name_run(experiment: Experiment, run: Run | Unrated) -> str:
    """Its item or else its session; a name that says nothing where these tell the variant."""
    telling = [text for one in experiment.variants for text in (one.name, *one.match.values())]
    for name in (run.item_key, run.session):
        if name and not any(_is_word_in(word, name) for word in telling):
            return name
    return f"Run {hashlib.sha256(run.id.encode()).hexdigest()[:8]}"


def _is_word_in(word: str, text: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text, re.IGNORECASE) is not None


def list_unrated(experiment: Experiment) -> Sequence[Run | Unrated]:
    """Runs that no person rated, in an order that has nothing to do with their variant or time."""
    shown = [run for run in experiment.shown_runs if run.scored_by != "human"]
    unrated: list[Run | Unrated] = [*shown, *experiment.to_rate]
    return sorted(unrated, key=lambda run: hashlib.sha256(run.id.encode()).digest())


@explain_refusal
def _rate(user: User, experiment: Experiment, run: Run | Unrated) -> None:
    """Keep what was pressed: once for a run, for more keys can come before the next one is shown."""
    pressed = [
        value for _, key, value in CHOICES[experiment.score_kind] if st.session_state.get(_name(run, key))
    ]
    if st.session_state.get(RATED) == run.id:
        return
    if len(pressed) != 1:
        st.session_state[AT_ONCE] = run.id
        return
    data.rate_run(user, experiment, run.session, pressed[0])
    st.session_state[RATED] = run.id
