"""An account's bill against what was estimated, and what every source said."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.formats.money import format_money
from app.formats.text import DASH
from app.parts.source_names import describe_dataset, describe_ledger
from app.ui import charts
from app.ui.cards import name_width, render_heading
from app.ui.theme import current_palette
from app.views.sources import comparison
from app.views.sources.comparison import format_difference
from tally.ledger.reconcile import Statement, Variance, list_estimators

ALL_MODELS = "All models"
LINES_SHOWN = 1_000
COLUMN = st.column_config
MONEY = (
    "Billed",
    "Estimated",
    "Difference",
    "Volume",
    "Cache",
    "Tier",
    "Tax",
    "Credits",
    "Rest",
    "Said",
    "Amount",
)
COLUMNS = {name: COLUMN.TextColumn(name, alignment="right") for name in MONEY} | {
    "Tokens": COLUMN.NumberColumn("Tokens", format="compact"),
    "Requests": COLUMN.NumberColumn("Requests", format="localized"),
    "Counts": COLUMN.TextColumn("Counts", help="Whose money and whose tokens are in your totals"),
    "No price": COLUMN.NumberColumn("No price", help="Records that nobody knows a price for"),
}


def render_reconciliation(said: pd.DataFrame, providers: Mapping[str, str], currency: str) -> None:
    """Everything below the list of sources."""
    ledgers = comparison.list_shared_ledgers(said)
    if not ledgers:
        with st.container(border=True):
            render_heading("Does it agree?")
            st.caption(
                "In these days no account was told of by more than one source. Where a bill and an estimate, "
                "or the logs of two machines, are about the same account, they are compared here."
            )
        return
    with st.container(border=True):
        render_heading("Does it agree?", "Days of UTC, as providers bill them")
        with st.grid(3, min_column_width=180, gap="small"):
            ledger = st.selectbox(
                "Account",
                ledgers,
                format_func=lambda ledger: describe_ledger(ledger, providers),
                key="ledger",
                bind="query-params",
            )
            of_ledger = said[said["ledger"] == ledger]
            models = [ALL_MODELS, *sorted(set(of_ledger["model"]) - {""})]
            model = st.selectbox("Model", models, key="model", bind="query-params")
            compared = comparison.select_compared(comparison.parse_statements(of_ledger))
            estimator = _choose_estimator(compared)
        of_model = of_ledger if model == ALL_MODELS else of_ledger[of_ledger["model"] == model]
        if estimator is None:
            st.caption("No day of this account has both a bill and an estimate. What was said is below.")
        else:
            _render_variance(compared, estimator, model, currency)
    _render_said(of_model, currency)


def _choose_estimator(compared: Sequence[Statement]) -> str | None:
    estimators = list_estimators(compared)
    if len(estimators) < 2:
        return next(iter(estimators), None)
    return st.selectbox(
        "Compare the bill with",
        estimators,
        format_func=describe_dataset,
        key="estimator",
        bind="query-params",
    )


def _render_variance(compared: Sequence[Statement], estimator: str, model: str, currency: str) -> None:
    variances = {
        unit: variance
        for unit, variance in comparison.explain_units(compared, estimator).items()
        if model in (ALL_MODELS, unit.model)
    }
    if not variances:
        st.caption("The bill of these days is for all models together. Choose all models to compare it.")
        return
    total = comparison.sum_up(variances)
    _render_figures(total, currency)
    by_day = comparison.sum_days(variances)
    st.plotly_chart(
        charts.pairs(by_day, current_palette(), currency),
        theme=None,
        key="billed_and_estimated",
        config=charts.config(currency),
        alt=(
            f"Bars of each day: billed {format_money(total.billed_usd, currency)} and estimated "
            f"{format_money(total.estimated_usd, currency)} in all."
        ),
    )
    parts = comparison.describe_parts(total, currency)
    if not parts.empty:
        st.dataframe(
            parts,
            hide_index=True,
            height="content",
            column_config=COLUMNS,
            alt="What the difference is made of",
        )
    with st.expander("Day by day"):
        st.dataframe(
            comparison.describe_units(variances, compared, currency),
            hide_index=True,
            height=460 if len(variances) > 12 else "content",
            column_config=COLUMNS,
            placeholder=DASH,
            alt="Each day and model, newest first",
        )


def _render_figures(total: Variance, currency: str) -> None:
    share = total.total / total.billed_usd if total.billed_usd > 0 else None
    with st.grid(3, min_column_width=158, gap="small"):
        st.metric("Billed", format_money(total.billed_usd, currency), border=True, height="stretch")
        st.metric("Estimated", format_money(total.estimated_usd, currency), border=True, height="stretch")
        st.metric(
            "Difference",
            format_difference(total.total, currency),
            None if share is None else f"{share:+.1%} of the bill",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
    if total.unpriced_records:
        st.caption(
            f":material/help: {total.unpriced_records:,} of the estimated records have no price yet, so the "
            "difference is larger than it should be. Prices has the models."
        )


def _render_said(said: pd.DataFrame, currency: str) -> None:
    with st.container(border=True):
        frame = comparison.describe_said(said, currency)
        shown = f"the newest {LINES_SHOWN:,} of {len(frame):,} lines" if len(frame) > LINES_SHOWN else ""
        render_heading("What each source said", shown)
        st.dataframe(
            frame.head(LINES_SHOWN),
            hide_index=True,
            height=460 if len(frame) > 12 else "content",
            column_config=COLUMNS
            | {name: COLUMN.TextColumn(name, width=name_width(frame[name])) for name in ("Model", "Source")},
            placeholder="no price",
            alt="What each source said of each day and model, newest first",
        )
