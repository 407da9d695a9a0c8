"""The nightly run raises alerts of what it found, and notes the workspaces in which that failed."""

from datetime import UTC, datetime, timedelta

import pytest

from forecasting.nightly import alerts, run
from tally.alerts.evaluation import Evaluated
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

WITHOUT_WORKERS = run.Options(workers=0)


def add_renewal(db: NightlyDatabase) -> None:
    """A plan that renews the day after tomorrow."""
    soon = datetime.now(UTC).date() + timedelta(days=2)
    db.add_subscription(db.add_account(), "20", soon.day, started_on=soon - timedelta(days=400))


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
