"""Forecasts of projects: the total of each active one, the dearest first."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from forecasting.nightly.run import DONE
from forecasting.nightly.workspace_run import MAX_PROJECTS
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

OF_PROJECTS = """
select j.name, t.kind, t.predicted_cost_usd, t.spent_usd, t.actual_cost_usd
from public.forecast_totals as t inner join public.projects as j on t.project_id = j.id
where t.workspace_id = %s and t.created_at = (select min(created_at) from public.forecast_totals)
order by 1, 2"""


def add_project(db: NightlyDatabase, workspace: UUID, name: str, *, is_archived: bool = False) -> UUID:
    project = uuid4()
    db.connection.execute(
        """
        insert into public.projects (id, workspace_id, name, slug, archived_at)
        values (%s, %s, %s, %s, case when %s then now() end)""",
        [project, workspace, name, name.lower(), is_archived],
    )
    return project


def file_under(db: NightlyDatabase, project: UUID, model: str) -> None:
    db.connection.execute(
        "update public.cost_records set project_id = %s where model_name = %s", [project, model]
    )


def add_spend_of(db: NightlyDatabase, user: UUID, name: str, amount: float, **options: Any) -> None:
    """Twenty days of a project's spend, in a model of the same name."""
    db.add_spend(user, [amount] * 20, model=name)
    file_under(db, add_project(db, user, name, **options), name)


def test_active_projects_are_forecast_and_scored(db: NightlyDatabase) -> None:
    user = db.add_account()
    add_spend_of(db, user, "Shop", 2.0)
    add_spend_of(db, user, "Old", 9.0, is_archived=True)
    db.add_spend(user, [5.0] * 20)
    assert db.run_nightly() == DONE
    [month, following] = db.rows(OF_PROJECTS, user)
    assert (month[0], month[1], month[3]) == ("Shop", "month_end", Decimal(20))
    assert 50 < month[2] < 75  # 31 days of 2 dollars
    assert (following[1], following[3]) == ("next_30_days", 0)
    db.add_spend(user, [3.0] * 21, last_day=date(2024, 5, 31), model="Shop")
    file_under(db, db.rows("select id from public.projects where name = 'Shop'")[0][0], "Shop")
    db.run_nightly(as_of=date(2024, 6, 1))
    assert db.rows(OF_PROJECTS, user)[0][4] == 10 * 2 + 21 * 3
    assert db.rows(
        "select count(*) from public.forecast_results where project_id is not null and model_name is not null"
    ) == [(0,)]


def test_forecasts_of_projects_are_not_compared_with_everything(db: NightlyDatabase) -> None:
    user = db.add_account()
    add_spend_of(db, user, "Shop", 9.0)
    db.add_spend(user, [81.0] * 20, model="other")
    db.run_nightly()
    db.connection.execute(
        "update public.forecast_results set created_at = now() where project_id is not null"
    )
    db.add_spend(user, [90.0], last_day=AS_OF, model="other")  # in total as ever
    db.run_nightly(as_of=date(2024, 5, 14))
    assert db.rows("select from public.anomalies where day = %s and provider_id is null", AS_OF) == []


def test_only_the_dearest_projects_are_forecast(db: NightlyDatabase) -> None:
    user = db.add_account()
    for place in range(MAX_PROJECTS + 2):
        add_spend_of(db, user, f"P{place:02}", 1.0 + place)
    assert db.run_nightly() == DONE
    names = {row[0] for row in db.rows(OF_PROJECTS, user)}
    assert names == {f"P{place:02}" for place in range(2, MAX_PROJECTS + 2)}
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id = %s", user)
    assert steps[0]["projects_left_out"] == 2
