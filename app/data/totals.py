"""Predicted totals of periods, and their actual amounts."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.auth.identity import User
from app.data.daily_costs import load_daily
from app.data.forecasts import of_series
from app.data.preferences import load_currency
from app.data.providers import load_providers
from app.data.reading import cached, data_version, fetch_rows, select
from app.figures.currencies import convert_totals
from app.figures.forecast_series import ForecastSeries

TOTALS_SHOWN = 400
TOTAL_COLUMNS = (
    "run_id,provider_id,model_name,project_id,kind,period_start,period_end,spent_usd::text,predicted_cost_usd::text,"
    "lower_bound_80::text,upper_bound_80::text,lower_bound_95::text,upper_bound_95::text,actual_cost_usd::text,"
    "quantiles::text,days_in_80,days_in_95,backtest,created_at"
)
_BOUNDS = ("lower_bound_80", "upper_bound_80", "lower_bound_95", "upper_bound_95")


def load_forecast_totals(user: User, project_id: str | None = None) -> pd.DataFrame:
    """Totals of the newest runs of every series, newest first; money is Decimal, None where unknown.

    With a project only its own. Columns keep their `_usd` names but hold amounts in the display currency.
    """
    return _in_currency(user, _forecast_totals(user, data_version(user), project_id), project_id)


def load_past_totals(user: User, series: ForecastSeries) -> pd.DataFrame:
    """Totals of one series with a known actual amount; see `load_forecast_totals`."""
    return _in_currency(user, _past_totals(user, data_version(user), series), series.project_id)


def _in_currency(user: User, totals: pd.DataFrame, project_id: str | None) -> pd.DataFrame:
    currency = load_currency(user)
    if totals.empty or not currency.is_converted:
        return totals
    daily = load_daily(user, totals["period_start"].min(), totals["period_end"].max(), project_id)
    slugs = {provider.provider_id: provider.slug for provider in load_providers(user)}
    return convert_totals(totals, daily, slugs, currency)


@cached
def _forecast_totals(user: User, version: str, project_id: str | None) -> pd.DataFrame:  # noqa: ARG001
    totals = select(user, "forecast_totals", TOTAL_COLUMNS)
    return _fetch_totals(
        totals.is_("project_id", "null") if project_id is None else totals.eq("project_id", project_id)
    )


@cached
def _past_totals(user: User, version: str, series: ForecastSeries) -> pd.DataFrame:  # noqa: ARG001
    of_all = of_series(select(user, "forecast_totals", TOTAL_COLUMNS), series)
    return _fetch_totals(of_all.not_.is_("actual_cost_usd", "null"))


def _fetch_totals(query: Any) -> pd.DataFrame:
    # A run's total and providers come first: with thousands of models, the row limit could cut them off.
    newest = query.order("created_at", desc=True).order("model_name", nullsfirst=True).order("id")
    rows = fetch_rows(newest.limit(TOTALS_SHOWN))
    frame = pd.DataFrame(
        rows, columns=[name.removesuffix("::text") for name in TOTAL_COLUMNS.split(",")], dtype=object
    )
    for name in ("spent_usd", "predicted_cost_usd", "actual_cost_usd", *_BOUNDS):
        frame[name] = pd.Series([text and Decimal(text) for text in frame[name]], dtype=object)
    for name in ("period_start", "period_end"):
        frame[name] = pd.Series([date.fromisoformat(text) for text in frame[name]], dtype=object)
    quantiles = [
        text and [Decimal(amount) for amount in text[1:-1].split(",")] for text in frame["quantiles"]
    ]
    return frame.assign(quantiles=pd.Series(quantiles, dtype=object))
