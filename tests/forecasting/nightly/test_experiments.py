"""The nightly run gathers the runs of experiments, one by one."""

from uuid import uuid4

from forecasting.nightly.experiments import gather_all
from forecasting.nightly.problems import Problems
from forecasting.nightly.workspaces import Workspace
from tests.database.teams import Team, make_team
from tests.database.test_experiments import called, start
from tests.database_fixtures import Connection, Project, make_months
from tests.days import current_day

RUNS = "select count(*) from public.experiment_runs where workspace_id = %s"


def count_runs(database: Connection, team: Team) -> int:
    [[count]] = database.execute(RUNS, [team.id]).fetchall()
    return int(count)


def test_running_experiments_are_gathered_and_one_that_fails_stops_no_other(
    project: Project, database: Connection
) -> None:
    make_months(database, "2026-05-01")
    teams = [make_team(project, database, "owner") for _ in range(2)]
    for team in teams:
        start(team["owner"])
        start(team["owner"], name="Draft", status="draft")
        start(team["owner"], {"name": "A", "is_baseline": True}, {"name": "B"}, name="Brought")
        team["owner"].save(None, called("s1"), called("s2"))
    refused = f"add constraint odd check (workspace_id <> '{teams[0].id}')"
    database.execute(f"alter table public.experiment_runs {refused}".encode())
    problems = Problems(database, uuid4())
    workspaces = [Workspace(team.id, current_day(), True) for team in teams]
    assert gather_all(database, workspaces, problems) == 1
    assert [count_runs(database, team) for team in teams] == [0, 2]
    assert problems.workspaces == {teams[0].id}
    [line] = problems.lines
    assert line.startswith("Runs of an experiment could not be gathered")
    database.execute("alter table public.experiment_runs drop constraint odd")
    assert gather_all(database, workspaces, problems) == 2
    assert [count_runs(database, team) for team in teams] == [2, 2]
