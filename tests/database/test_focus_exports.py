"""Who switches files of FOCUS on and off, as whom they are read, and who reads the installation's state."""

from typing import Any

import pytest

from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project, make_months


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with two admins."""
    return make_team(project, database, "owner", "admin", "ann", "viewer")


def exports(database: Connection) -> list[tuple[Any, ...]]:
    """The workspaces to export, each with as whom."""
    return database.execute("select workspace_id, user_id from private.list_focus_exports()").fetchall()


def test_admins_switch_it_on_and_off_and_it_is_logged(team: Team, database: Connection) -> None:
    for name in ("ann", "viewer"):
        refused = team[name].suspect("set_focus_export", workspace=team.id, is_enabled=True)
        assert refused == "Your role in this workspace does not allow this."
    for is_enabled in (True, True, False, False):
        team["admin"].ask("set_focus_export", is_enabled=is_enabled)
    log = team["owner"].ask("search_audit_log", search="focus_exports", before=None, at_most=10)
    assert [entry["action"] for entry in log] == ["delete", "insert"]
    assert exports(database) == []


def test_it_is_read_as_the_last_admin_who_switched_it_on_while_that_is_one(
    team: Team, database: Connection
) -> None:
    team["admin"].ask("set_focus_export", is_enabled=True)
    assert exports(database) == [(team.id, team["admin"].id)]
    assert team["admin"].ask("focus_state")["export"]["is_own"]
    assert not team["viewer"].ask("focus_state")["export"]["is_own"]
    database.execute(
        "update public.members set role = 'member' where user_id = %s and workspace_id = %s",
        [team["admin"].id, team.id],
    )
    assert exports(database) == [(team.id, None)]
    team["owner"].ask("set_focus_export", is_enabled=True)
    assert exports(database) == [(team.id, team["owner"].id)]


def test_outcome_keeps_the_files_of_a_run_that_failed(team: Team, database: Connection) -> None:
    team["admin"].ask("set_focus_export", is_enabled=True)
    for months, changed, problem in ((7, 2, ""), (0, 0, "The storage is full. " * 100)):
        report = "select private.report_focus_export(%s, %s, %s, %s)"
        database.execute(report, [team.id, months, changed, problem])
    state = team["viewer"].ask("focus_state")["export"]
    assert (state["months"], state["changed"], len(state["problem"])) == (7, 0, 500)


def test_periods_without_bounds_or_too_long_are_refused(team: Team) -> None:
    for since, until in (
        (None, "2026-01-01"),
        ("-infinity", "2026-01-01"),
        ("2026-01-01", "infinity"),
        ("2020-01-01", "2026-01-01"),
    ):
        refused = team["viewer"].suspect("focus_rows", since=since, until=until, workspace=team.id)
        assert refused == "Give the first and the last instant of a period of at most 400 days."


def test_more_sums_than_a_request_has_are_refused(team: Team, database: Connection) -> None:
    make_months(database, "2026-05-01")
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
        select %s, %s, p.id, '2026-05-04T12:00:00Z'::timestamptz + n * interval '1 second', 'm' || n, 1
        from generate_series(1, 20001) as n
        inner join public.providers as p on p.name = 'openai'""",
        [team.id, team["owner"].id],
    )
    asked = {"since": "2026-05-04", "until": "2026-05-05", "workspace": team.id}
    assert team["owner"].suspect("focus_rows", **asked).startswith("These are too many costs at once.")
    asked["until"] = "2026-05-04T17:00:00Z"
    assert len(team["owner"].call("focus_rows", **asked)) == 17_999


def test_installation_is_told_to_its_owner_alone(team: Team, database: Connection) -> None:
    database.execute("update auth.users set created_at = '2020-01-01' where id = %s", [team["ann"].id])
    for name in ("owner", "viewer"):
        assert team[name].suspect("installation_state").startswith("Only the owner of this installation")
    told = team["ann"].call("installation_state")
    assert told["jobs"]["failed"] == 0
    assert told["deliveries"] == {"waiting": 0, "failed": 0}
    assert told["nightly"] is None
