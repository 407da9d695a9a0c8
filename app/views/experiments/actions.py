"""Buttons of an experiment: runs from a file, rating, editing, deciding, archiving, deleting."""

from collections.abc import Mapping

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.formats.dates import format_instant
from app.formats.text import escape_markdown
from app.parts.permissions import explain_fixed
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal, render_refusal, render_warning
from app.views.experiments.address import EDIT, RATE, open_part
from tally.core.text import plural
from tally.experiments.evaluation import Comparison, Evaluation
from tally.experiments.experiment import Experiment
from tally.experiments.runs_file import EXAMPLE, MAX_BYTES, parse_file
from tally.experiments.sent import Faulty
from tally.experiments.words import freeze
from tally.statistics.judging import Kind

UNTOLD = [kind.value for kind in (Kind.TOO_FEW, Kind.CANNOT_TELL, Kind.CHEAPER_UNPROVEN)]
ONLY_ADMINS = "Admins decide and delete experiments."


def render_actions(user: User, experiment: Experiment) -> None:
    """The buttons beside the title, for those who may change something."""
    if explain_fixed(user) is not None:
        return
    is_open = experiment.status in ("draft", "running")
    with st.container(horizontal=True, width="content", gap="small"):
        if is_open:
            _render_upload(user, experiment)
            st.button(
                "Edit",
                icon=":material/edit:",
                on_click=open_part,
                args=(experiment.id, EDIT),
                key="edit_experiment",
            )
        if experiment.primary_score and experiment.runs and experiment.status != "archived":
            st.button(
                "Rate runs",
                icon=":material/star:",
                on_click=open_part,
                args=(experiment.id, RATE),
                key="rate_runs",
            )
        with st.popover("More", icon=":material/more_horiz:"):
            _render_more(user, experiment)


def _render_more(user: User, experiment: Experiment) -> None:
    is_archived = experiment.status == "archived"
    label, status = ("Take back", "running") if is_archived else ("Archive", "archived")
    if st.button(label, icon=":material/archive:", key="archive_experiment"):
        _move(user, experiment, status)
    if user.workspace.may_administer and st.button(
        "Delete", icon=":material/delete:", key="delete_experiment"
    ):
        confirm_deletion(experiment.id, experiment.name)


def render_decisions(
    user: User, experiment: Experiment, evaluation: Evaluation, comparison: Comparison
) -> None:
    """Decide for the variant, or keep the baseline, once there is a verdict."""
    if experiment.status == "draft" and explain_fixed(user) is None:
        if st.button("Start", type="primary", key="start_experiment"):
            _move(user, experiment, "running")
        return
    if experiment.status != "running" or evaluation.is_early:
        return
    if not user.workspace.may_administer:
        st.caption(ONLY_ADMINS)
        return
    name, base = comparison.side.variant.name, evaluation.base.variant.name
    is_clear = comparison.verdict is not None and comparison.verdict.kind == Kind.CHEAPER
    with st.container(horizontal=True, gap="small"):
        for label, chosen, is_primary in (
            (f"Decide for {name}", name, is_clear),
            (f"Keep {base}", base, False),
        ):
            if st.button(
                escape_markdown(label), type="primary" if is_primary else "secondary", key=f"decide-{chosen}"
            ):
                confirm_decision(experiment.id, chosen, freeze(experiment, evaluation, comparison))


@st.dialog("Decide for good?", icon=":material/check:")
@explain_refusal
def confirm_decision(experiment_id: str, chosen: str, decision: Mapping[str, object]) -> None:
    """Say what is kept, and ask, before an experiment is decided."""
    st.text(f"{chosen} is chosen, and the experiment ends now.")
    if decision["verdict"] in UNTOLD:
        render_warning("The runs do not tell that a variant is cheaper and as good.")
    st.text(f"Kept with your name and the time: {decision['sentence']} {decision['detail']}")
    st.caption("Runs and scores that come later change nothing, and it cannot be taken back.")
    if not confirm_danger("Decide"):
        return
    data.decide_experiment(identity.current_user(), experiment_id, chosen, decision)
    announce(f"Decided for {chosen}. The numbers of this moment are kept.")
    st.rerun()


def render_gathering(user: User, experiment: Experiment) -> None:
    """The moment of the runs that came from the records, and the button that gathers them again."""
    if not experiment.is_gathered:
        return
    at = experiment.gathered_at
    zone = data.load_preferences(user).zone
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"Runs as of {format_instant(at, zone)}" if at else "Runs are not gathered yet", width="content"
        )
        if explain_fixed(user) is None and st.button(
            "Gather", icon=":material/refresh:", type="tertiary", key="gather_runs"
        ):
            _gather(user, experiment)


@explain_refusal
def _gather(user: User, experiment: Experiment) -> None:
    data.gather_runs(user, experiment.id)
    announce("Runs gathered from the records.")
    st.rerun()


@explain_refusal
def _move(user: User, experiment: Experiment, status: str) -> None:
    data.move_experiment(user, experiment.id, status)
    announce(f"Experiment {experiment.name} {'archived' if status == 'archived' else 'goes on'}.")
    st.rerun()


def _render_upload(user: User, experiment: Experiment) -> None:
    with st.popover("Add runs", icon=":material/add:"):
        st.caption(escape_markdown(f"CSV or JSON, a row for each run. Columns: {EXAMPLE}"))
        uploaded = st.file_uploader(
            "File of runs", type=["csv", "json"], max_upload_size=MAX_BYTES // 2**20, key="runs_upload"
        )
        if uploaded is not None and st.button("Add runs", type="primary", key="bring_runs"):
            _bring(user, experiment, uploaded.getvalue())


@explain_refusal
def _bring(user: User, experiment: Experiment, content: bytes) -> None:
    try:
        runs = parse_file(content, experiment.primary_score, experiment.score_kind)
    except Faulty as faulty:
        render_refusal(faulty)
        return
    saved = data.bring_runs(user, experiment.id, runs)
    announce(f"{plural(saved['runs'], 'run')} and {plural(saved['scores'], 'score')} saved.")
    st.rerun()


@st.dialog("Delete this experiment?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(experiment_id: str, name: str) -> None:
    """Ask before an experiment is deleted."""
    user = identity.current_user()
    st.text(name)
    st.caption("Its runs, scores and decision go with it. The records stay.")
    if not confirm_danger("Delete experiment"):
        return
    data.delete_experiment(user, experiment_id)
    announce(f"Experiment {name} deleted.")
    open_part(None)
    st.rerun()
