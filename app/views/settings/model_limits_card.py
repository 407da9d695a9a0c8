"""Settings card: from which error rate or latency of a model the channels of a workspace hear."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.figures.model_limits import KINDS, describe_limit
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from tally.alerts.model_limits import EVERY_MODEL, MOST_LIMITS, ModelKind, ModelLimit
from tally.notifications.texts import WINDOWS

ABOUT = (
    "Told once to the workspace's channels when a model crosses a limit; over when it is below 80% of that. "
    "Models are judged every five minutes."
)
PERCENT, SECONDS = "Failed requests, %", "p95 latency, seconds"


def render_model_limits(user: User) -> None:
    """The limits: with a form for admins, a list for others."""
    limits = data.load_model_limits(user)
    render_heading("Models that fail or are slow")
    may_change = user.workspace.may_administer
    if may_change:
        st.caption(ABOUT)
    if not limits:
        st.text("No limits yet.")
    for place, limit in enumerate(limits):
        _render_limit(user, limits, place, describe_limit(limit), may_change)
    if may_change and len(limits) < MOST_LIMITS:
        _render_form(user, limits)


def _render_limit(user: User, limits: Sequence[ModelLimit], place: int, text: str, may_change: bool) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.text(text, width="content")
        if may_change and st.button(
            "Remove",
            icon=":material/delete:",
            type="tertiary",
            key=f"remove_limit_{place}",
            help=f"Remove: {text}",
        ):
            _save(user, [*limits[:place], *limits[place + 1 :]], "Limit removed.")


def _render_form(user: User, limits: Sequence[ModelLimit]) -> None:
    names = data.load_model_names(user)
    kind: ModelKind = (
        st.segmented_control(
            "What to watch", list(KINDS), default="error_rate", required=True, format_func=KINDS.__getitem__,
            key="limit_kind",
        )
        or "error_rate"
    )  # fmt: skip
    with st.form(f"model-limit-{kind}", border=False):
        with st.grid(4, min_column_width=158, gap="small"):
            model = st.selectbox(
                "Model",
                [EVERY_MODEL, *names],
                format_func=lambda name: name or "Every model, each by itself",
            )
            minutes = st.selectbox(
                "In the last", list(WINDOWS), index=1, format_func=lambda window: f"{WINDOWS[window]}"
            )
            if kind == "error_rate":
                limit = Decimal(str(st.number_input(PERCENT, 0.1, 100.0, 5.0, step=1.0, format="%.1f")))
            else:
                seconds = st.number_input(SECONDS, 0.1, 3600.0, 30.0, step=1.0, format="%.1f")
                limit = Decimal(str(seconds)) * 1000
            requests = st.number_input("Requests, at least", 1, 1_000_000, 20, step=1)
        is_sent = st.form_submit_button("Add limit")
    if is_sent:
        added = ModelLimit(kind, model, minutes, limit, requests)
        kept = [each for each in limits if each.key != added.key]
        _save(user, [*kept, added], "Limit changed." if len(kept) < len(limits) else "Limit added.")


@explain_refusal
def _save(user: User, limits: Sequence[ModelLimit], done: str) -> None:
    database_of(user).call("set_model_limits", limits=[limit.as_json() for limit in limits])
    data.forget_version(user)
    announce_in("model_limits", done)
    st.rerun()
