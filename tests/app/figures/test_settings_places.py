"""Settings that can be found are in the parts that their page has, for each kind of workspace and role."""

import pytest

from app.auth.identity import User
from app.auth.workspaces import Role, Workspace
from app.figures.settings_places import PLACES, list_settings
from app.views.settings.parts import list_parts

USER_ID = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("role", ["viewer", "member", "admin", "owner"])
@pytest.mark.parametrize("is_personal", [True, False])
def test_places_are_in_parts_that_the_page_has(role: Role, is_personal: bool) -> None:
    if is_personal and role != "owner":
        return  # a personal workspace is its owner's
    shared = "00000000-0000-0000-0000-000000000002"
    workspace = Workspace(USER_ID if is_personal else shared, role, is_personal=is_personal)
    parts = set(list_parts(User(USER_ID, "ann@example.org", "token", workspace)))
    places = list_settings(is_personal, workspace.may_administer)
    assert {place.section for place in places} == parts
    assert len({place.name for place in places}) == len(places)


def test_every_place_is_found_by_somebody() -> None:
    found = {place for shared in (True, False) for place in list_settings(shared, may_administer=True)}
    assert found == set(PLACES)
