"""The tasks that evaluate budgets."""

from uuid import UUID

from forecasting.jobs.budgets import evaluate_all, evaluate_budgets, evaluate_one
from forecasting.jobs.queue import TASK_MODULES, queue
from tests.database.teams import make_team
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project
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


def test_the_worker_knows_both_tasks() -> None:
    assert "forecasting.jobs.budgets" in TASK_MODULES
    assert {evaluate_all.name, evaluate_one.name} <= set(queue.tasks)
