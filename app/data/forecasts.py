"""Predictions per day, and the nightly run that made them."""

from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.data.preferences import load_currency
from app.data.reading import API_ROWS, KEYS, cached, call, data_version, fetch_rows, select
from app.figures import outlook
from app.figures.currencies import Currency, convert_predictions
from app.figures.forecast_series import ForecastSeries

FORECAST_COLUMNS = (
    "run_id,forecast_date,predicted_cost_usd,lower_bound_80,upper_bound_80,lower_bound_95,upper_bound_95,"
    "model_version,training_data_start,training_data_end,training_record_count,created_at,"
    "renewals:metadata->>renewals_usd"
)


def load_forecast(user: User, series: ForecastSeries, first: date) -> pd.DataFrame:
    """Stored predictions of one series for days from `first` on, of all runs.

    Columns: date, run_id, created_at, predicted, lower_80, upper_80, lower_95, upper_95, renewals (the
    subscriptions in the prediction), model_version and columns about the training data.
    """
    return _forecast(user, data_version(user), series, first, load_currency(user))


def load_newest_forecast(user: User, series: ForecastSeries, totals: pd.DataFrame) -> pd.DataFrame:
    """The predictions of the run that made the series' newest of these totals; see `load_forecast`.

    The newest run of all may have failed for this series.
    """
    own = totals[outlook.of_series(totals, series)]
    run_id = None if own.empty else str(own["run_id"].iloc[0])
    return _run_forecast(user, data_version(user), series, run_id, load_currency(user))


@cached
def _forecast(
    user: User,
    version: str,  # noqa: ARG001
    series: ForecastSeries,
    first: date,
    currency: Currency,
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    while len(rows) % API_ROWS == 0:
        query = of_series(select(user, "forecast_results", FORECAST_COLUMNS), series)
        query = (
            query.gte("forecast_date", first.isoformat())
            .order("forecast_date")
            .order("created_at", desc=True)
            .order("id")
        )
        page = fetch_rows(query.range(len(rows), len(rows) + API_ROWS - 1))
        rows += page
        if not page:
            break
    return _make_frame(rows, currency)


@cached
def _run_forecast(
    user: User,
    version: str,  # noqa: ARG001
    series: ForecastSeries,
    run_id: str | None,
    currency: Currency,
) -> pd.DataFrame:
    if run_id is None:
        return _make_frame([], currency)
    query = of_series(select(user, "forecast_results", FORECAST_COLUMNS), series)
    return _make_frame(fetch_rows(query.eq("run_id", run_id).order("forecast_date")), currency)


def _make_frame(rows: list[dict[str, Any]], currency: Currency) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[name.partition(":")[0] for name in FORECAST_COLUMNS.split(",")])
    bounds = {f"{side}_bound_{level}": f"{side}_{level}" for side in ("lower", "upper") for level in (80, 95)}
    frame = frame.rename(columns={"forecast_date": "date", "predicted_cost_usd": "predicted", **bounds})
    frame = frame.assign(
        date=pd.to_datetime(frame["date"]),
        created_at=pd.to_datetime(frame["created_at"], utc=True, format="ISO8601"),
        **{name: frame[name].astype(float) for name in ("predicted", *bounds.values())},
        renewals=frame["renewals"].astype(float).fillna(0.0),
    )
    return convert_predictions(frame, currency)


def of_series(query: Any, series: ForecastSeries) -> Any:
    """Restrict a query to the rows of a series."""
    for column, value in series.keys.items():
        query = query.is_(column, "null") if value is None else query.eq(column, value)
    return query


class ForecastState(NamedTuple):
    """Forecasts after changes: whether a worker makes them, and whether it has some to make."""

    has_worker: bool
    is_updating: bool


@st.cache_data(ttl=1, max_entries=1000, show_spinner=False, hash_funcs=KEYS)
def load_forecast_state(user: User) -> ForecastState:
    """The state as of now, queried at most once a second: no data version tells that a worker ended."""
    return ForecastState(**call(user, "forecast_state"))


def load_last_run(user: User) -> dict[str, Any] | None:
    """The newest run, nightly or after changes, as far as the user may know its steps; None before it."""
    return _last_run(user, data_version(user))


@cached
def _last_run(user: User, version: str) -> dict[str, Any] | None:  # noqa: ARG001
    run: dict[str, Any] | None = call(user, "last_run")
    return run
