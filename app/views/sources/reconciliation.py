"""Cards that compare a billing account's bill with its estimates and list what each source reported."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.figures.source_names import describe_billing_account, describe_dataset
from app.formats.counts import format_percent_change
from app.formats.money import NO_PRICE, format_money
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.tables import render_table
from app.ui.theme import current_palette
from app.views.sources import comparison, comparison_tables
from app.views.sources.comparison_tables import ALL_MODELS, format_difference
from tally.core.text import plural
from tally.ledger.reconcile import Variance
from tally.ledger.statements import Statement, list_estimators

ROWS_SHOWN = 1_000


def render_reconciliation(
    statements: pd.DataFrame, providers: Mapping[str, str], given: Mapping[str, str], currency: str
) -> None:
    """The comparison of one billing account; `providers` is slug -> name, `given` are names of accounts."""
    accounts = comparison.list_shared_accounts(statements)
    if not accounts:
        _render_nothing_shared()
        return
    with st.container(border=True):
        render_heading("Reconciliation", "UTC days, as billed by providers")
        with st.grid(3, min_column_width=180, gap="small"):
            account = st.selectbox(
                "Account",
                accounts,
                format_func=lambda account: describe_billing_account(account, providers, given),
                key="account",
                bind="query-params",
            )
            of_account = statements[statements["billing_account"] == account]
            models = [ALL_MODELS, *sorted(set(of_account["model"]) - {""})]
            model = st.selectbox("Model", models, key="model", bind="query-params")
            compared = comparison.select_compared(comparison.parse_statements(of_account))
            estimator = _choose_estimator(compared)
        if estimator is None:
            st.caption("This account has no day with both a bill and an estimate. The data is listed below.")
        else:
            _render_variance(compared, estimator, model, currency)
    of_model = of_account if model == ALL_MODELS else of_account[of_account["model"] == model]
    _render_statements(of_model, currency)


def _render_nothing_shared() -> None:
    with st.container(border=True):
        render_heading("Reconciliation")
        st.caption(
            "In this period, no account has data from more than one source. A bill and an estimate, or the "
            "logs of two machines, are compared here when they cover the same account."
        )


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
        st.caption("The bill covers all models together. Choose “All models” to compare it.")
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
            f"{format_money(total.estimated_usd, currency)} in total."
        ),
    )
    parts = comparison_tables.describe_parts(total)
    if not parts.empty:
        render_table(parts, comparison_tables.part_columns(currency), "Parts of the difference")
    with st.expander("By day"):
        by_unit = comparison_tables.describe_units(variances, compared)
        render_table(by_unit, comparison_tables.unit_columns(currency), "Each day and model, newest first")


def _render_figures(total: Variance, currency: str) -> None:
    share = total.total / total.billed_usd if total.billed_usd > 0 else None
    with st.grid(3, min_column_width=158, gap="small"):
        st.metric("Billed", format_money(total.billed_usd, currency), border=True, height="stretch")
        st.metric("Estimated", format_money(total.estimated_usd, currency), border=True, height="stretch")
        st.metric(
            "Difference",
            format_difference(total.total, currency),
            None if share is None else f"{format_percent_change(float(100 * share))} of the bill",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
    if total.unpriced_records:
        is_one = total.unpriced_records == 1
        st.caption(
            f":material/help: {plural(total.unpriced_records, 'estimated record')} "
            f"{'has' if is_one else 'have'} no price, so the difference is too large. See Prices."
        )


def _render_statements(statements: pd.DataFrame, currency: str) -> None:
    with st.container(border=True):
        frame = comparison_tables.describe_statements(statements)
        note = f"newest {ROWS_SHOWN:,} of {len(frame):,} rows" if len(frame) > ROWS_SHOWN else ""
        render_heading("Reported by each source", note)
        render_table(
            frame.head(ROWS_SHOWN),
            comparison_tables.statement_columns(currency),
            "Reported by each source per day and model, newest first",
            NO_PRICE,
        )
