"""jump_names: names to jump to, as far as one may know them, and never more than the dashboard shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

NOW = datetime.now(UTC)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """Ann and Bob with a session each, Bob also in a private project."""
    team = make_team(project, database, *COLLEAGUES)
    admin = team["admin"]
    admin.add_project("web")
    secret = admin.add_project("secret", is_private=True)
    team["ann"].save(None, used(2, "claude-opus", session=" s-ann ", agent="codex", repository="shop"))
    team["bob"].save(None, used(1, "gpt-5", session_id="s-bob"))
    team["admin"].save(None, used(3, "hidden-1", session="s-secret"))
    team["admin"].choose(secret, "model_name = 'hidden-1'")
    return team


def used(hours_ago: float, model: str, **metadata: str) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours_ago)).isoformat()
    return record(timestamp=at, model_name=model, cost_usd="1", metadata=metadata)


def sessions_of(team: Team, name: str) -> list[str]:
    return [each["session"] for each in team[name].ask("jump_names")["sessions"]]


def test_admins_find_all_sessions_newest_first_with_where_they_ran(team: Team) -> None:
    found = team["admin"].ask("jump_names")
    assert [each["session"] for each in found["sessions"]] == ["s-bob", "s-ann", "s-secret"]
    assert found["sessions"][1]["agent"] == "codex"
    assert found["sessions"][1]["repository"] == "shop"
    assert found["models"] == ["claude-opus", "gpt-5", "hidden-1"]
    assert [each["name"] for each in found["projects"]] == ["secret", "web"]


def test_members_find_their_own_sessions_and_no_private_project(team: Team) -> None:
    assert sessions_of(team, "ann") == ["s-ann"]
    assert [each["name"] for each in team["ann"].ask("jump_names")["projects"]] == ["web"]


def test_where_members_see_everybody_private_projects_stay_out(team: Team, database: Connection) -> None:
    database.execute("update public.workspaces set person_split = 'everyone' where id = %s", [team.id])
    assert sessions_of(team, "ann") == ["s-bob", "s-ann"]
    assert sessions_of(team, "viewer") == ["s-bob", "s-ann"]


def test_names_are_those_of_the_lists_of_models_and_projects(team: Team) -> None:
    for name in COLLEAGUES:
        found = team[name].ask("jump_names")
        assert found["models"] == team[name].ask("model_names")
        listed = [(each["id"], each["name"]) for each in team[name].ask("list_projects")]
        assert [(each["id"], each["name"]) for each in found["projects"]] == listed


def test_budgets_are_found_by_who_may_see_them(team: Team) -> None:
    admin = team["admin"]
    secret = next(each["id"] for each in admin.ask("list_projects") if each["name"] == "secret")
    admin.connection.execute(
        """insert into public.budgets (workspace_id, name, amount, project_id)
        values (%(team)s, 'All', 50, null), (%(team)s, 'a secret', 50, %(secret)s)""",
        {"team": team.id, "secret": secret},
    )
    assert [each["name"] for each in admin.ask("jump_names")["budgets"]] == ["a secret", "All"]
    assert "a secret" not in [each["name"] for each in team["ann"].ask("jump_names")["budgets"]]


def test_who_is_no_member_is_refused(team: Team, project: Project, database: Connection) -> None:
    stranger = make_team(project, database, "owner")["owner"]
    with pytest.raises(psycopg.Error, match="not a member"):
        stranger.call("jump_names", workspace=team.id)


def test_archived_projects_and_old_sessions_are_left_out(team: Team) -> None:
    admin = team["admin"]
    admin.call("archive_project", admin.add_project("gone"))
    admin.save(None, used(91 * 24, "old-model", session="s-old"))
    found = admin.ask("jump_names")
    assert "gone" not in [each["name"] for each in found["projects"]]
    assert "s-old" not in [each["session"] for each in found["sessions"]]
    assert "old-model" in found["models"]


def test_answers_are_bounded(team: Team) -> None:
    many = [used(nth / 100, f"m{nth:04}", session=f"s{nth:04}") for nth in range(700)]
    team["owner"].save(None, *many)
    found = team["owner"].ask("jump_names")
    assert len(found["models"]) == 500
    assert [each["session"] for each in found["sessions"]] == [f"s{nth:04}" for nth in range(100)]
