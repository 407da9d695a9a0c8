"""Figures that members read of others, by the workspace's choice."""

from typing import Any

import pytest

from tests.database.teams import Team, call, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

SINCE, UNTIL = "2026-01-01", "2027-01-01"


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace in which admin and member have a source each, with one record."""
    team = make_team(project, database)
    for role, cost in (("admin", "1"), ("member", "2")):
        team[role].save(
            team[role].add_source(name=f"{role}.csv"),
            record(cost_usd=cost, model_name=f"{role}-model", billing_account="openai"),
            record(cost_usd=None, cost_basis="estimated", model_name=f"{role}-unpriced"),
        )
    return team


def rows(person: Connection, team: Team) -> list[str]:
    """Authors whose rows the person reads through functions that return rows of people."""
    statements = call(person, "source_statements", None, None, team.id)
    estimates = call(person, "list_estimates", SINCE, None, 9, team.id)
    sources = call(person, "source_days", team.id)["import_id"]
    authors = {name.removesuffix(".csv") for name in statements["filename"]}
    assert {row["model_name"].removesuffix("-unpriced") for row in estimates} == authors
    assert len(set(sources)) == len(authors)
    calls = call(person, "list_calls", SINCE, UNTIL, None, 9, team.id)
    assert {row["model_name"].removesuffix("-unpriced").removesuffix("-model") for row in calls} == authors
    return sorted(authors)


def totals(person: Connection, team: Team) -> list[str]:
    """Authors whose costs are in totals."""
    spend = call(person, "get_user_total_spend", team.id, SINCE, UNTIL)
    query = "select model_name from public.get_top_models_by_spend(%s, %s, %s)"
    models = {name for (name,) in person.execute(query, [team.id, SINCE, UNTIL])}
    names = call(person, "model_names", team.id)
    query = "select model_name from public.unpriced_models(%s)"
    unpriced = {name.removesuffix("-unpriced") for (name,) in person.execute(query, [team.id])}
    authors = {"admin": 1, "member": 2}
    assert {f"{name}-model" for name in unpriced} | {f"{name}-unpriced" for name in unpriced} == set(names)
    assert models == set(names)
    assert spend == sum(authors[name] for name in unpriced)
    return sorted(unpriced)


BOTH, MEMBER = ["admin", "member"], ["member"]
NOBODY: list[str] = []


@pytest.mark.parametrize(
    ("split", "role", "own_rows", "own_totals"),
    [
        ("own", "member", MEMBER, MEMBER),
        ("own", "viewer", NOBODY, NOBODY),
        ("own", "admin", BOTH, BOTH),
        ("admins", "member", MEMBER, BOTH),
        ("admins", "viewer", NOBODY, BOTH),
        ("admins", "owner", BOTH, BOTH),
        ("everyone", "member", BOTH, BOTH),
        ("everyone", "viewer", BOTH, BOTH),
    ],
)
def test_functions_show_people_as_the_workspace_says(
    team: Team,
    split: str,
    role: str,
    own_rows: list[str],
    own_totals: list[str],
) -> None:
    version = team[role].call("data_version", team.id)
    team["owner"].call("update_workspace", team.id, None, None, None, split)
    assert team[role].call("data_version", team.id) != version
    assert rows(team[role].connection, team) == own_rows
    assert totals(team[role].connection, team) == own_totals


def test_services_read_all_totals(team: Team, service: Connection) -> None:
    team["owner"].call("update_workspace", team.id, None, None, None, "own")
    assert call(service, "get_user_total_spend", team.id, SINCE, UNTIL) == 3


@pytest.mark.parametrize("split", ["own", "admins"])
def test_members_mute_only_anomalies_that_they_see(team: Team, database: Connection, split: str) -> None:
    team["owner"].call("update_workspace", team.id, None, None, None, split)
    database.execute(
        """insert into public.anomalies (workspace_id, day, kind, model_name, actual_usd)
        values (%s, '2026-05-01', 'new_model', 'm', 1)""",
        [team.id],
    )
    mute: Any = "update public.anomalies set muted_at = now()"
    assert team["member"].connection.execute(mute).rowcount == (split == "admins")
    assert team["viewer"].connection.execute(mute).rowcount == 0
