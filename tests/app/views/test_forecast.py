"""The Forecast page: stored forecasts and their accuracy, or the reason why there is none."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pandas as pd
import psycopg
import pytest

from app import data
from app.auth.identity import User
from app.figures.outlook import day_ahead_predictions, newest_run, spread_over_months
from app.formats.dates import format_short_day
from app.formats.text import DASH
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import sign_in_user
from tests.app.nightly_runs import (
    ADD_JOB_RUN,
    ADD_TOTAL,
    add_nightly_run,
    month_end,
    month_start,
    spent_in_month,
)
from tests.app.pages import hero, metrics, open_page, save, shown, usage
from tests.app.projects import add_project
from tests.days import current_day


def add_waiting(job: psycopg.Connection[Any], user: User, days: int) -> None:
    short = [{"series": "total", "days": days, "days_missing": 14 - days}]
    steps = [{"step": "forecast", "series": 1, "count": 0, "failed": [], "too_little_history": short}]
    job.execute(ADD_JOB_RUN, [uuid4(), user.user_id, current_day(), json.dumps(steps)])


def test_totals_ranges_and_training_are_shown(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(n, "2", request_count=1) for n in range(1, 42)])
    add_nightly_run(job, user, current_day())
    steps = json.dumps([{"step": "forecast", "models_left_out": 3}])
    job.execute("update public.job_runs set steps = %s where workspace_id = %s", [steps, user.user_id])

    page = open_page(monkeypatch, user, "forecast")

    assert not page.exception
    assert "3 low-cost models are included only in the total." in shown(page)
    assert metrics(page)["Next 30 days"] == "$70.50"
    assert metrics(page)["Month end"] == f"${70.5 - spent_in_month() + 2 * (current_day().day - 1):.2f}"
    assert "$61.25" in page.metric[0].delta
    last = current_day() + timedelta(days=29)
    days = f"{format_short_day(current_day(), current_day())} {DASH} {format_short_day(last, current_day())}"
    assert f"{days}, today included" in shown(page)
    assert "41 days, 41 records" in shown(page)
    assert "Model test-1" in shown(page)


def test_runs_are_shown_in_the_zone_of_the_account(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    job.execute(
        "update public.user_preferences set timezone = 'Etc/GMT+11' where user_id = %s", [user.user_id]
    )
    try:
        texts = shown(open_page(monkeypatch, user, "forecast"))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()

    [(day, clock)] = re.findall(r"Next run: (\d+ \w+ \d+), (\d\d:\d\d)", texts)
    assert clock == "10:45"  # 03:15 in Kolkata is 21:45 UTC
    until = datetime.strptime(f"{day} 21:45 +0000", "%d %b %Y %H:%M %z") - datetime.now(UTC)
    assert timedelta(0) < until + timedelta(minutes=1) <= timedelta(days=1, minutes=1)


def test_series_without_a_forecast_are_named(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    website = add_project(user, "Website")
    step = {
        "step": "forecast",
        "failed": [{"series": f"project:{website}", "reason": "no fit"}],
        "too_little_history": [
            {"series": name, "days": 9, "days_missing": 5} for name in ("provider:anthropic", "model:new")
        ],
    }
    job.execute(
        "update public.job_runs set steps = %s where workspace_id = %s", [json.dumps([step]), user.user_id]
    )

    texts = shown(open_page(monkeypatch, user, "forecast"))

    assert "Project Website could not be forecast: no fit" in texts
    assert "too few days of usage for a forecast: Provider Anthropic, Model new." in texts


def test_problems_of_the_last_run_are_told(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    steps = [
        {"step": "forecast"},
        {"step": "renewals", "count": 5_000, "left": 1_600},
        {"step": "collect", "count": 0, "connections": [], "left": 1},
    ]
    job.execute(
        "update public.job_runs set status = 'failed', error = %s, steps = %s where workspace_id = %s",
        ["Unusual days could not be looked for: it failed.", json.dumps(steps), user.user_id],
    )

    texts = shown(open_page(monkeypatch, user, "forecast"))

    assert "Unusual days could not be looked for: it failed." in texts
    assert "1,600 renewals will follow in the next run." in texts
    assert "1 connection will follow in the next run." in texts


def test_what_if_explains_a_forecast_of_nothing(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(20, "3", model_name="rare")])
    add_nightly_run(job, user, current_day() - timedelta(days=1), model="rare")
    add_nightly_run(job, user, current_day())
    job.execute(
        "update public.forecast_totals set predicted_cost_usd = 0, lower_bound_80 = 0, lower_bound_95 = 0, "
        "spent_usd = 0 where workspace_id = %s and model_name = 'rare'",
        [user.user_id],
    )

    texts = shown(open_page(monkeypatch, user, "forecast"))

    assert "the forecast of rare is $0" in texts.replace("\\", "")
    assert "will cost" not in texts


def test_overview_shows_the_newest_month_end(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())

    assert "likely $71 (range $61\N{EN DASH}$80)" in hero(open_page(monkeypatch, user))


def test_month_end_follows_an_import_at_once(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    save(user, [usage(0, "811", model_name="claude-opus-4-1")])

    assert metrics(open_page(monkeypatch, user, "forecast"))["Month end"] == "$879.50"  # 70.5 - 2 + 811
    assert "likely $880" in hero(open_page(monkeypatch, user))


def test_month_end_is_described_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    month = f"{current_day():%B} will most likely end at $71, between $61 and $80"
    assert f"{month}." in shown(open_page(monkeypatch, user, "forecast"))

    add = "insert into public.budgets (workspace_id, name, amount) values (%s, 'M', 75.5)"
    job.execute(add, [user.user_id])
    assert f"{month}; 29% chance of exceeding $75.50." in shown(open_page(monkeypatch, user, "forecast"))


def test_what_if_changes_the_totals(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "3", model_name="*a*"), usage(2, "1", model_name="b")])
    add_nightly_run(job, user, current_day())
    page = open_page(monkeypatch, user, "forecast")
    assert page.selectbox(key="what_if_model").options == ["*a*", "b"]
    assert page.slider(key="what_if_change").value == 0

    page.slider(key="what_if_change").set_value(100).run()

    assert not page.exception
    changed = {metric.label: (metric.value, metric.delta) for metric in page.metric}
    assert changed["Next 30 days"] == (
        "$123.38",
        "$52.88",
    )  # *a* has three quarters
    assert r"\*a\* will cost" in shown(page)


def test_what_if_switches_to_a_model_by_the_prices_of_both(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "3", model_name="gpt-5", input_tokens=1_000_000, request_count=4)])
    add_nightly_run(job, user, current_day())
    page = open_page(monkeypatch, user, "forecast")
    page.segmented_control(key="what_if_kind").set_value("Switch model").run()
    page.selectbox(key="what_if_target_gpt-5").set_value("gpt-5-mini").run()

    assert not page.exception
    assert "the last 4 requests of gpt-5 cost 20% as much on gpt-5-mini" in shown(page).replace("\\", "")
    changed = {metric.label: metric.value for metric in page.metric}
    assert changed["Next 30 days"] == "$14.10"  # a fifth of 70.5

    page.slider(key="what_if_moved").set_value(50).run()
    assert {metric.label: metric.value for metric in page.metric}["Next 30 days"] == "$42.30"


def test_scorecard_scores_forecasts_after_30_days(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(n, "2") for n in range(1, 90)])
    add_nightly_run(job, user, current_day())
    assert "once its 30 days have passed" in shown(open_page(monkeypatch, user, "forecast"))

    first = current_day() - timedelta(days=31)
    job.execute(
        ADD_TOTAL,
        [uuid4(), user.user_id, None, "next_30_days", first, current_day() - timedelta(days=2), 10, 60],
    )
    job.execute(
        "update public.forecast_totals set days_in_80 = 21, days_in_95 = 30 where actual_cost_usd = 60"
    )
    page = open_page(monkeypatch, user, "forecast")

    assert not page.exception
    assert "1 nightly run" in shown(page)


def test_earlier_predictions_are_compared_with_actual_spend(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "9"), usage(2, "2"), usage(3, "2")])
    for days_ago in (3, 2, 1, 0):
        add_nightly_run(job, user, current_day() - timedelta(days=days_ago))

    page = open_page(monkeypatch, user, "forecast")

    assert metrics(page)["Past days in range"] == "2 of 3"
    assert metrics(page)["Predicted vs actual"] == "\N{MINUS SIGN}53.8%"


def test_model_has_its_own_forecast(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day(), model="gpt-5.2")

    page = open_page(monkeypatch, user, "forecast")

    assert page.selectbox[0].options == ["Model: gpt-5.2"]


def test_short_history_shows_the_missing_days(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_waiting(job, user, days=9)

    assert "5 more days of usage" in shown(open_page(monkeypatch, user, "forecast"))
    assert "Forecast needs 5 more days" in hero(open_page(monkeypatch, user))


def test_disabled_forecast_says_where_to_enable_it(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    add_nightly_run(job, user, current_day())
    job.execute(
        "update public.user_preferences set forecast_enabled = false where user_id = %s", [user.user_id]
    )

    page = open_page(monkeypatch, user, "forecast")

    assert "turned off" in shown(page)
    assert not page.metric


def test_new_account_is_led_to_the_overview(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "forecast")

    assert not page.exception
    assert page.button(key="get-started").label == "Get started"


def test_all_pages_of_predictions_are_loaded(user: User, job: psycopg.Connection[Any]) -> None:
    for days_ago in range(40):
        add_nightly_run(job, user, current_day() - timedelta(days=days_ago))

    predictions = data.load_forecast(user, data.ForecastSeries(), current_day() - timedelta(days=60))

    assert len(predictions) == 1200
    assert predictions["date"].is_monotonic_increasing
    assert newest_run(predictions)["date"].min().date() == current_day()
    yesterdays = day_ahead_predictions(predictions, current_day())
    trained_until = pd.to_datetime(yesterdays["training_data_end"])
    assert (yesterdays["date"] - trained_until == pd.Timedelta(days=1)).all()


def test_stranger_cannot_read_forecasts(
    upstream: AuthClient, user: User, job: psycopg.Connection[Any], new_account: Any
) -> None:
    add_nightly_run(job, user, current_day())
    stranger = sign_in_user(upstream, new_account())

    assert data.load_forecast(stranger, data.ForecastSeries(), current_day()).empty
    assert data.load_forecast_totals(stranger).empty
    assert data.load_last_run(stranger) is None


def test_earlier_month_ends_are_thinned_out(user: User, job: psycopg.Connection[Any]) -> None:
    for _ in range(9):
        job.execute(ADD_TOTAL, [uuid4(), user.user_id, None, "month_end", month_start(), month_end(), 10, 66])

    assert len(spread_over_months(data.load_forecast_totals(user))) == 3
