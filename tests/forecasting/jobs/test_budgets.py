"""The tasks that evaluate budgets."""

from uuid import UUID

import pytest

from forecasting.jobs.budgets import evaluate_all, evaluate_budgets, evaluate_one
from forecasting.jobs.queue import TASK_MODULES, queue
from tests.database.teams import make_team
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually
from tests.tally.budgets.test_evaluation import add_thresholds, spend


def test_one_workspace_or_all_are_evaluated(project: Project, database: Connection) -> None:
    teams = [make_team(project, database, "admin") for _ in range(2)]
    [[now]] = database.execute("select now()").fetchall()
    database.execute("select public.ensure_partitions()")
    for team in teams:
        add_thresholds(database, add_budget(database, team.id, amount=1), ("actual", 100))
        spend(database, team.id, 5, at=now.isoformat())
    raised: list[set[UUID]] = []
    for workspace in (teams[0].id, None):
        evaluate_budgets(project.cluster.url(project.name), workspace)
        rows = database.execute("select workspace_id from public.alert_events").fetchall()
        raised.append({tenant for (tenant,) in rows})
    assert raised == [{teams[0].id}, {team.id for team in teams}]


@pytest.mark.new_database
def test_change_that_exceeds_a_budget_raises_an_event(project: Project, database: Connection) -> None:
    team = make_team(project, database, "admin")
    add_thresholds(database, add_budget(database, team.id, amount=1), ("actual", 100))
    [[now]] = database.execute("select now()").fetchall()
    database.execute("select public.ensure_partitions()")
    with running_worker(project):
        eventually(lambda: database.execute("select from private.worker_seen").rowcount == 1)
        spend(database, team.id, 5, at=now.isoformat())
        event = "select from public.alert_events where kind = 'budget' and workspace_id = %s"
        eventually(lambda: database.execute(event, [team.id]).rowcount == 1)


def test_the_worker_knows_both_tasks() -> None:
    assert "forecasting.jobs.budgets" in TASK_MODULES
    assert {evaluate_all.name, evaluate_one.name} <= set(queue.tasks)
