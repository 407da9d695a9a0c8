"""Pricing anew: the difference first, then the new prices."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.formats.money import format_usd
from app.formats.text import DASH
from app.ui.cards import render_heading
from app.ui.notices import announce, render_refusal
from app.ui.periods import EARLIEST_DAY
from app.views.prices.price_form import PRICED_FROM
from tally.core.text import plural
from tally.pricing.reprice import Difference, apply_prices
from tally.storage.database import DatabaseError

COLUMN = st.column_config
SINCE = "reprice-since"
LOOKED_AT = "reprice-looked-at"
TALL = 460
ROWS_SHOWN_WHOLE = 12
A_YEAR = timedelta(days=365)
COLUMNS = {
    name: COLUMN.TextColumn(name, alignment="right", help=help_text)
    for name, help_text in (
        ("Before", "What counts in your totals now"),
        ("After", "What would count"),
        ("Difference", None),
    )
}


def describe_differences(
    differences: Sequence[Difference], providers: Sequence[data.Provider]
) -> pd.DataFrame:
    """One line for each month and model that would change."""
    names = {provider.slug: provider.name for provider in providers}
    return pd.DataFrame(
        {
            "Month": [difference.month for difference in differences],
            "Model": [difference.model_name for difference in differences],
            "Provider": [names.get(difference.provider, difference.provider) for difference in differences],
            "Records": [difference.records for difference in differences],
            "Before": [
                None
                if difference.newly_priced == difference.records and not difference.before_usd
                else format_usd(difference.before_usd)
                for difference in differences
            ],
            "After": [
                None if difference.newly_unpriced == difference.records else format_usd(difference.after_usd)
                for difference in differences
            ],
            "Difference": [_signed(difference.difference_usd) for difference in differences],
        }
    )


def describe_sum(differences: Sequence[Difference]) -> str:
    """The sum of all that would change, in a few sentences."""
    records = sum(difference.records for difference in differences)
    total = sum((difference.difference_usd for difference in differences), Decimal(0))
    said = [f"{plural(records, 'record')} would change, by {_signed(total)} in all."]
    if priced := sum(difference.newly_priced for difference in differences):
        said.append(f"{plural(priced, 'record')} would get a price for the first time.")
    if unpriced := sum(difference.newly_unpriced for difference in differences):
        said.append(f"{plural(unpriced, 'record')} would be without a price again.")
    if set_aside := sum(difference.set_aside for difference in differences):
        said.append(f"In no total, as a bill or a better source covers them: {plural(set_aside, 'record')}.")
    return " ".join(said)


def render_repricing(user: User, today: date) -> None:
    """Ask from which day on, show what would change, and change it."""
    with st.container(border=True):
        render_heading("Price again")
        st.caption(
            "Looks at every estimate, and at what plans cover, with the prices of their own days as they are "
            "known today. Bills and what you typed in are left alone."
        )
        first_day = st.session_state.pop(PRICED_FROM, None)
        if first_day or SINCE not in st.session_state:
            st.session_state[SINCE] = max(first_day or today - A_YEAR, EARLIEST_DAY)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            since = st.date_input(
                "From",
                min_value=EARLIEST_DAY,
                max_value=date(2099, 12, 31),
                format="YYYY-MM-DD",
                key=SINCE,
                width=180,
            )
            if st.button("Show the difference", icon=":material/difference:", key="look"):
                st.session_state[LOOKED_AT] = (user.user_id, since)
        if since is not None and st.session_state.get(LOOKED_AT) == (user.user_id, since):
            _render_differences(user, since)


def _render_differences(user: User, since: date) -> None:
    try:
        with st.spinner("Working out every estimate again…"):
            differences = data.load_price_differences(user, since)
    except DatabaseError as problem:
        render_refusal(problem)
        return
    if not differences:
        st.caption("Every estimate is at its price already.")
        return
    st.text(describe_sum(differences))
    st.dataframe(
        describe_differences(differences, data.load_providers(user)),
        hide_index=True,
        height="content" if len(differences) <= ROWS_SHOWN_WHOLE else TALL,
        column_config=COLUMNS,
        placeholder=DASH,
    )
    if st.button("Apply these prices", type="primary", icon=":material/check:", key="apply"):
        _apply(user, since)


def _apply(user: User, since: date) -> None:
    place = st.empty()

    def show_progress(applied: int, _total: int, _label: str) -> None:
        place.caption(f"{plural(applied, 'record')} priced so far…")

    try:
        with st.spinner("Pricing…"):
            done = apply_prices(database_of(user), since, show_progress)
    except DatabaseError as problem:
        render_refusal(f"{problem} What was priced so far stays; apply again for the rest.")
        return
    finally:
        data.forget_version(user)
        place.empty()
    del st.session_state[LOOKED_AT]
    skipped = f" {plural(done.skipped, 'record')} changed meanwhile; look again." if done.skipped else ""
    verb = "has" if done.applied == 1 else "have"
    announce(f"{plural(done.applied, 'record')} {verb} another price now.{skipped}")
    st.rerun()


def _signed(amount: Decimal) -> str:
    text = format_usd(amount)
    return f"+{text}" if amount > 0 else text
