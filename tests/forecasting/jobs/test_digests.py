"""The worker looks every quarter of an hour for mails that are due."""

from datetime import UTC, datetime, timedelta

import pytest

from forecasting.jobs.digests import EVERY_QUARTER, send_digests, send_now
from forecasting.jobs.queue import TASK_MODULES, queue
from tests.database_fixtures import Connection, Project
from tests.mail_server import mail_server
from tests.tally.digests.accounts import WEEK, add_account, spend

SETTINGS = {"SUPABASE_URL": "http://127.0.0.1", "SUPABASE_PUBLISHABLE_KEY": "none"}


def test_worker_knows_the_task_and_its_times() -> None:
    assert "forecasting.jobs.digests" in TASK_MODULES
    [found] = [each for each in queue.periodic_registry.periodic_tasks.values() if each.task is send_digests]
    assert found.cron == EVERY_QUARTER
    assert send_digests.queueing_lock == send_digests.lock == "digests"


def test_look_sends_what_is_due_with_the_settings_of_the_worker(
    project: Project, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add_account(database, joined=datetime.now(UTC) - timedelta(days=15))
    spend(database, user, WEEK)
    shift = datetime.now(UTC).date() - datetime(2026, 11, 30, tzinfo=UTC).date()
    database.execute(
        "select public.ensure_months(array[date_trunc('month', now() - interval '1 month')::date])"
    )
    database.execute("select public.ensure_months(array[date_trunc('month', now())::date])")
    database.execute("update public.cost_records set timestamp = timestamp + %s", [shift])
    with mail_server() as server:
        settings = SETTINGS | {
            "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            "APP_ORIGIN": "https://tally.example",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert send_now(project.cluster.url(project.name)) == 1
        assert send_now(project.cluster.url(project.name)) == 0
        assert len(server.mails) == 1


def test_worker_without_settings_sends_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TALLY_HOME", "/nonexistent")
    assert send_now(project.cluster.url(project.name)) == 0
