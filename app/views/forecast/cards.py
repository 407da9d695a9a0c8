"""Cards of predicted totals, of the nightly run, and of a forecast that is not ready yet."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.data import Preferences
from app.figures.outlook import (
    AFTER_NIGHTLY_RUN,
    describe_problems,
    describe_run_series,
    describe_too_short,
    describe_wait,
    forecast_step,
)
from app.formats.dates import format_days, format_instant, format_short_day
from app.formats.money import format_figure, format_money_range
from app.formats.text import DASH, escape_markdown
from app.ui.cards import render_heading
from tally.core.schedule import next_due
from tally.core.text import plural

AFTER_CHANGES = "Forecasts are updated after every change, and every night."
EVERY_NIGHT = "Forecasts are updated every night."
TRAINED_ON = "Only priced usage before the run; subscriptions are added on the days they renew."
SEPARATE = "Each series is forecast by itself, so parts may not add up to the total."


def render_total(label: str, total: dict[str, Any] | None, currency: str, today: date) -> None:
    """A predicted total with its days and its 80% range."""
    with st.container(border=True, height="stretch", gap=None, key=f"total-{label}"):
        st.metric(
            label,
            format_figure(total["predicted_cost_usd"], currency) if total else DASH,
            format_money_range(total["lower_bound_80"], total["upper_bound_80"], currency)
            if total
            else AFTER_NIGHTLY_RUN,
            delta_color="off",
            delta_arrow="off",
            help=_explain(total, currency) if total else None,
        )
        if total:
            st.caption(describe_total_days(total["period_start"], total["period_end"], today))


def describe_total_days(first: date, last: date, today: date) -> str:
    """The days of a total, and that today's spend is in it."""
    days = f"{format_short_day(first, today)} {DASH} {format_short_day(last, today)}"
    return f"{days}, today included" if first <= today <= last else days


def _explain(total: dict[str, Any], currency: str) -> str:
    wide = format_money_range(total["lower_bound_95"], total["upper_bound_95"], currency)
    days = format_days(total["period_start"], total["period_end"])
    return escape_markdown(
        f"{days}. 80% likely to land in the range below, and 95% likely to land in {wide}."
    )


def render_training(
    newest: pd.DataFrame, last_run: dict[str, Any] | None, names: Mapping[str, str], zone: ZoneInfo
) -> None:
    """Training data and model of the newest forecast, and the schedule of the nightly run."""
    if not newest.empty:
        run = newest.iloc[0]
        first, last = (date.fromisoformat(run[name]) for name in ("training_data_start", "training_data_end"))
        st.text(f"Trained on {format_days(first, last)}")
        days, records = (last - first).days + 1, int(run["training_record_count"])
        st.caption(f"{plural(days, 'day')}, {plural(records, 'record')}. {TRAINED_ON}")
        st.text(f"Model {run['model_version']}")
    render_schedule(last_run, names, zone)
    if too_short := describe_too_short(last_run, names):
        st.text(too_short)
    st.caption(SEPARATE)


def render_schedule(last_run: dict[str, Any] | None, names: Mapping[str, str], zone: ZoneInfo) -> None:
    """Times of the last run and the next nightly run, and the series it could not forecast."""
    if last_run:
        st.text(f"Last run: {format_instant(datetime.fromisoformat(last_run['started_at']), zone)}")
    next_run = next_due(datetime.now().astimezone())  # due by the server's clock
    st.caption(f"Next run: {format_instant(next_run, zone)}")
    for problem in describe_problems(last_run):
        st.text(problem)
    left_out = forecast_step(last_run).get("models_left_out", 0)
    if left_out:
        verb = "is" if left_out == 1 else "are"
        st.caption(f"{plural(left_out, 'low-cost model')} {verb} included only in the total.")
    for failed in forecast_step(last_run).get("failed", [])[:5]:
        series = describe_run_series(failed["series"], names)
        st.text(f"{series} could not be forecast: {failed['reason']}")


def render_waiting(
    last_run: dict[str, Any] | None, names: Mapping[str, str], preferences: Preferences, has_worker: bool
) -> None:
    """The reason why there is no forecast yet."""
    with st.container(border=True, gap="small", key="waiting"):
        if not preferences.forecast_enabled:
            render_heading("Forecasts are turned off")
            st.text(f"Turn them on under Settings. The first one is {describe_wait(has_worker)}.")
            return
        too_short = forecast_step(last_run).get("too_little_history", [])
        short = next((series for series in too_short if series["series"] == "total"), None)
        if short:
            render_heading("Not enough history yet")
            needed = short["days"] + short["days_missing"]
            st.text(f"A forecast needs {plural(short['days_missing'], 'more day')} of usage.")
            st.progress(short["days"] / needed, f"{short['days']} of {plural(needed, 'day')}")
        else:
            render_heading(f"Your first forecast will be {describe_wait(has_worker)}")
            st.text(AFTER_CHANGES if has_worker else EVERY_NIGHT)
        render_schedule(last_run, names, preferences.zone)
