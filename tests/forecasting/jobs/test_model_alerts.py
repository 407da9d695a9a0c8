"""The task that judges models."""

from datetime import UTC, datetime, timedelta

import pytest

from forecasting.jobs.model_alerts import evaluate_models_of, judge_models
from forecasting.jobs.queue import TASK_MODULES, queue
from tests.database.teams import make_team
from tests.database.test_model_performance import made
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually

LIMIT = {"kind": "error_rate", "model": "", "minutes": 60, "limit": 10, "requests": 10}


def fail_often(project: Project, database: Connection) -> None:
    """A team with a limit, whose model failed in each of 20 calls."""
    owner = make_team(project, database, "owner")["owner"]
    owner.ask("set_model_limits", limits=[LIMIT])
    at = datetime.now(UTC) - timedelta(minutes=1)
    failed = {"status": "error"}
    owner.save(
        None, *(made(timestamp=(at - timedelta(seconds=n)).isoformat(), told=failed) for n in range(20))
    )


def test_all_workspaces_are_judged(project: Project, database: Connection) -> None:
    for _ in range(2):
        fail_often(project, database)
    for _ in range(2):
        evaluate_models_of(project.cluster.url(project.name))
        assert database.execute("select from public.alert_events where kind = 'error_rate'").rowcount == 2


@pytest.mark.new_database
def test_the_worker_judges_models(project: Project, database: Connection) -> None:
    fail_often(project, database)
    with running_worker(project):
        eventually(lambda: database.execute("select from private.worker_seen").rowcount == 1)
        with database.transaction():
            database.execute("set local search_path = jobs")
            database.execute(
                """insert into procrastinate_jobs (queue_name, task_name, args)
                values ('model alerts', 'model alerts', '{"timestamp": 0}')"""
            )
        event = "select from public.alert_events where kind = 'error_rate'"
        eventually(lambda: database.execute(event).rowcount == 1)


def test_the_worker_knows_the_task() -> None:
    assert "forecasting.jobs.model_alerts" in TASK_MODULES
    assert judge_models.name in queue.tasks
