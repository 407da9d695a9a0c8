"""The nightly run raises alerts of what it found, and notes the workspaces in which that failed."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from forecasting.nightly import alerts, run
from forecasting.nightly.database import connect
from forecasting.nightly.reforecast import reforecast
from forecasting.workers.pool import stream_forecasts
from tally.alerts.evaluation import Evaluated
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

WITHOUT_WORKERS = run.Options(workers=0)


def add_renewal(db: NightlyDatabase) -> UUID:
    """An account with a plan that renews the day after tomorrow."""
    soon, user = datetime.now(UTC).date() + timedelta(days=2), db.add_account()
    db.add_subscription(user, "20", soon.day, started_on=soon - timedelta(days=400), ended_on=None)
    return user


def test_nightly_run_raises_a_renewal_once(db: NightlyDatabase) -> None:
    add_renewal(db)
    counts = []
    for _ in range(2):
        assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
        [[steps]] = db.rows(
            "select steps from public.job_runs where workspace_id is null order by started_at desc limit 1"
        )
        counts += [step["count"] for step in steps if step["step"] == "alerts"]
    assert counts == [1, 0]
    assert db.rows("select kind, state from public.alert_events") == [("renewal", "open")]


def test_change_of_a_workspace_raises_its_alerts_alone(db: NightlyDatabase) -> None:
    changed, _ = add_renewal(db), add_renewal(db)
    db.add_spend(changed, [1.0], datetime.now(UTC).date() - timedelta(days=1))
    with connect(db.url) as connection:
        reforecast(connection, changed, partial(stream_forecasts, workers=0))
    found = db.rows("select workspace_id, kind from public.alert_events order by kind")
    assert found == [(changed, "new_model"), (changed, "renewal")]


def test_replayed_night_raises_nothing(db: NightlyDatabase) -> None:
    add_renewal(db)
    assert run.run(db.url, run.Options(as_of=AS_OF, workers=0)) == run.DONE
    assert db.count("public.alert_events") == 0


def test_workspace_whose_alerts_failed_reads_of_it(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = db.add_account()
    monkeypatch.setattr(alerts, "evaluate_rules", lambda *_: Evaluated(failed={user: "division by zero"}))
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    [[error]] = db.rows("select error from public.job_runs where workspace_id is not null")
    assert error.startswith("Alerts could not be looked for")
    assert "division" not in error


def test_night_goes_on_without_alerts(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.alerts.evaluation.WORKSPACES", "select 1 / 0")
    assert run.run(db.url, WITHOUT_WORKERS) == run.FAILED
    [[steps, error]] = db.rows("select steps, error from public.job_runs where workspace_id is null")
    assert error == "The step “alerts” failed: division by zero."
    assert [step["step"] for step in steps][-10:-1] == [
        *("alerts", "budgets", "experiments", "advice", "traces", "archive", "focus", "telemetry", "vacuum")
    ]
