"""Workspaces as the database lists them, and what a role allows."""

import pytest

from app.auth.workspaces import (
    PersonSplit,
    Role,
    Workspace,
    find_workspace,
    parse_workspace,
    personal_workspace,
)
from tests.every_case import every_case

ROLES: tuple[Role, ...] = ("owner", "admin", "member", "viewer")
TEAM = Workspace("abc1", "admin", "Northwind", "Europe/Berlin", "EUR", "everyone")


def test_listed_workspace_is_parsed() -> None:
    row = {
        "id": "abc1",
        "name": "Northwind",
        "role": "admin",
        "is_personal": False,
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "person_split": "everyone",
        "members": 3,
    }

    assert parse_workspace(row) == TEAM


@every_case([("abc1", TEAM), ("ABC1", TEAM), ("abc", None), ("Northwind", None), ("", None)])
def test_workspace_is_found_by_its_id_alone(wanted: str, found: Workspace | None) -> None:
    assert find_workspace([personal_workspace("ada"), TEAM], wanted) == found


@every_case([("owner", True, True), ("admin", True, True), ("member", True, False), ("viewer", False, False)])
def test_role_decides_what_is_allowed(role: Role, may_write: bool, may_administer: bool) -> None:
    workspace = Workspace("abc1", role)

    assert (workspace.may_write, workspace.may_administer) == (may_write, may_administer)


@pytest.mark.parametrize("split", ["own", "admins", "everyone"])
def test_others_are_shown_to_admins_and_by_choice_to_everyone(split: PersonSplit) -> None:
    shows = {role: Workspace("abc1", role, person_split=split).shows_others for role in ROLES}

    assert shows == {"owner": True, "admin": True} | dict.fromkeys(("member", "viewer"), split == "everyone")
