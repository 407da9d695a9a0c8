"""Repricing card: preview how estimates would change, then apply the new prices."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.formats.dates import format_month
from app.formats.money import format_usd
from app.parts.permissions import explain_fixed
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.ui.periods import EARLIEST_DAY
from app.ui.tables import render_table
from app.views.prices.price_form import PRICED_FROM
from tally.core.progress import Progress
from tally.core.text import plural
from tally.pricing.reprice import Difference, apply_prices
from tally.storage.database import DatabaseError

SINCE = "reprice-since"
PREVIEWED = "reprice-previewed"
LATEST_DAY = date(2099, 12, 31)
YEAR = timedelta(days=365)


def format_signed(amount: Decimal) -> str:
    """A difference in US dollars, with its sign."""
    text = format_usd(amount)
    return f"+{text}" if amount > 0 else text


COLUMNS = {
    "month": columns.day("Month", format_month),
    "model": columns.name("Model"),
    "provider": columns.text("Provider"),
    "records": columns.count("Records"),
    "before": columns.money("Before", "USD", "Included in your totals now"),
    "after": columns.money("After", "USD", "Included in your totals after repricing"),
    "difference": columns.number("Difference", format_signed),
}


def describe_differences(
    differences: Sequence[Difference], providers: Sequence[data.Provider]
) -> pd.DataFrame:
    """The changes of each month and model, for COLUMNS."""
    names = {provider.slug: provider.name for provider in providers}
    lines = [
        {
            "month": date.fromisoformat(f"{difference.month}-01"),
            "model": difference.model_name,
            "provider": names.get(difference.provider, difference.provider),
            "records": difference.records,
            "before": _known_before(difference),
            "after": _known_after(difference),
            "difference": difference.difference_usd,
        }
        for difference in differences
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS), dtype=object)


def _known_before(difference: Difference) -> Decimal | None:
    is_unpriced = difference.newly_priced == difference.records and not difference.before_usd
    return None if is_unpriced else difference.before_usd


def _known_after(difference: Difference) -> Decimal | None:
    return None if difference.newly_unpriced == difference.records else difference.after_usd


def describe_sum(differences: Sequence[Difference]) -> str:
    """A summary of all changes."""
    records = sum(difference.records for difference in differences)
    total = sum((difference.difference_usd for difference in differences), Decimal(0))
    sentences = [f"{plural(records, 'record')} would change, by {format_signed(total)} in total."]
    return " ".join(sentences + _describe_kinds(differences))


def describe_change(differences: Sequence[Difference]) -> str:
    """A summary of a change of estimates: their sum before and after."""
    if not differences:
        return "Changes no estimate yet."
    records = sum(difference.records for difference in differences)
    before = sum((difference.before_usd for difference in differences), Decimal(0))
    after = sum((difference.after_usd for difference in differences), Decimal(0))
    change = f"Changes {plural(records, 'estimate')}, from {format_usd(before)} to {format_usd(after)}."
    return " ".join([change, *_describe_kinds(differences)])


def _describe_kinds(differences: Sequence[Difference]) -> list[str]:
    sentences = []
    if priced := sum(difference.newly_priced for difference in differences):
        sentences.append(f"{plural(priced, 'record')} would get a price for the first time.")
    if unpriced := sum(difference.newly_unpriced for difference in differences):
        sentences.append(f"{plural(unpriced, 'record')} would lose their price.")
    if ineffective := sum(difference.ineffective for difference in differences):
        excluded = plural(ineffective, "record")
        sentences.append(f"Excluded from totals, as a bill or a better source covers them: {excluded}.")
    return sentences


def render_repricing(user: User, today: date) -> None:
    """Ask for the first day, preview the changes, and apply them."""
    with st.container(border=True):
        render_heading("Reprice")
        st.caption(
            "Recalculates estimates and usage covered by plans with the latest known prices for each date. "
            "Bills and manual entries stay the same."
        )
        first_day = st.session_state.pop(PRICED_FROM, None)
        if first_day or SINCE not in st.session_state:
            st.session_state[SINCE] = max(first_day or today - YEAR, EARLIEST_DAY)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            since = st.date_input(
                "From",
                min_value=EARLIEST_DAY,
                max_value=LATEST_DAY,
                format="YYYY-MM-DD",
                key=SINCE,
                width=180,
            )
            if st.button("Preview changes", icon=":material/difference:", key="preview"):
                st.session_state[PREVIEWED] = (user.scope, since)
        if since is not None and st.session_state.get(PREVIEWED) == (user.scope, since):
            _render_differences(user, since)


@explain_refusal
def _render_differences(user: User, since: date) -> None:
    with st.spinner("Recalculating estimates…"):
        differences = data.load_price_differences(user, since)
    if not differences:
        st.caption("All estimates are up to date.")
        return
    st.text(describe_sum(differences))
    frame = describe_differences(differences, data.load_providers(user))
    render_table(frame, COLUMNS, "Changes by month and model")
    reason = explain_fixed(user)
    if st.button(
        "Apply changes", type="primary", icon=":material/check:", key="apply", disabled=reason is not None
    ):
        _apply(user, since)
    if reason:
        st.caption(reason)


@contextmanager
def show_repricing(user: User) -> Iterator[Progress]:
    """Show how many records are repriced; what changed is read again afterwards."""
    place = st.empty()

    def show_progress(applied: int, _total: int, _label: str) -> None:
        place.caption(f"{plural(applied, 'record')} repriced so far…")

    try:
        with st.spinner("Repricing…"):
            yield show_progress
    finally:
        data.forget_version(user)
        place.empty()


def _apply(user: User, since: date) -> None:
    try:
        with show_repricing(user) as on_progress:
            done = apply_prices(database_of(user), since, on_progress)
    except DatabaseError as problem:
        render_refusal(f"{problem} Records repriced so far keep their new price. Apply again for the rest.")
        return
    del st.session_state[PREVIEWED]
    skipped = (
        f" {plural(done.skipped, 'record')} changed in the meantime; preview again." if done.skipped else ""
    )
    announce(f"{plural(done.applied, 'record')} repriced.{skipped}")
    st.rerun()
