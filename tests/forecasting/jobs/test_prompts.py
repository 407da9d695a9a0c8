"""The task that registers prompts."""

from forecasting.jobs.prompts import register_prompts, register_prompts_of
from forecasting.jobs.queue import TASK_MODULES, queue
from tests.database.teams import make_team
from tests.database.test_prompt_figures import save, told
from tests.database_fixtures import Connection, Project

NAMES = "select workspace_id, name from public.prompts order by 1, 2"


def test_all_workspaces_are_registered_each_by_itself(project: Project, database: Connection) -> None:
    owners = [make_team(project, database, "owner")["owner"] for _ in range(2)]
    save(owners[0], told("refund"))
    save(owners[1], told("draft"))
    for _ in range(2):
        assert register_prompts_of(project.cluster.url(project.name)) == []
        expected = sorted([(owners[0].workspace, "refund"), (owners[1].workspace, "draft")])
        assert database.execute(NAMES).fetchall() == expected


def test_failure_of_one_workspace_stops_no_other(project: Project, database: Connection) -> None:
    teams = [make_team(project, database, "owner") for _ in range(2)]
    owners = [team["owner"] for team in sorted(teams, key=lambda team: team.id)]
    for owner in owners:
        save(owner, told("refund"))
    refusing = f"add constraint odd check (workspace_id <> '{owners[0].workspace}')"
    database.execute(f"alter table public.prompts {refusing}".encode())
    [problem] = register_prompts_of(project.cluster.url(project.name))
    assert str(owners[0].workspace) in problem
    assert database.execute(NAMES).fetchall() == [(owners[1].workspace, "refund")]


def test_workspace_without_new_records_is_left_alone(project: Project, database: Connection) -> None:
    owner = make_team(project, database, "owner")["owner"]
    save(owner, told("refund"))
    register_prompts_of(project.cluster.url(project.name))
    due = "select * from private.unregistered_workspaces()"
    assert database.execute(due).rowcount == 1  # a save of these minutes may not have ended
    database.execute("update private.prompt_registrations set registered_at = now() + interval '1 hour'")
    assert database.execute(due).rowcount == 0


def test_the_worker_knows_the_task() -> None:
    assert "forecasting.jobs.prompts" in TASK_MODULES
    assert register_prompts.name in queue.tasks
