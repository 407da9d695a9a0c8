"""Settings: whom names in reports stand for; and spend by person on the Overview."""

from collections.abc import Callable

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.data import filing
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_page, shown, usage
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import select_line
from tests.app.views.test_projects_card import button, told
from tests.app.views.test_sources import add_source


@pytest.fixture
def owner(job: psycopg.Connection[object], user: User) -> User:
    """The owner of a team, who imported a file that names Linus."""
    owner = new_team(job, user)
    named = usage(1, "2", metadata={"user_email": "Linus@corp.com"})
    add_source(owner, [named, usage(2, "5")], "a.csv", "generic")
    return owner


@pytest.fixture
def linus(
    job: psycopg.Connection[object],
    owner: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
) -> User:
    """A member of the team."""
    return join(job, owner, sign_in_user(upstream, new_account()), "member")


def select_name(page: AppTest, prefix: str) -> None:
    select_line(page, prefix, 0)


def test_name_is_given_to_a_member_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, owner: User, linus: User
) -> None:
    page = open_page(monkeypatch, owner, "settings", {"section": "People"})
    button(page, "Look for names")
    select_name(page, "unknown-people-")
    page.selectbox(key="alias-linus@corp.com").set_value(linus.user_id).run()

    assert f"Moves 1 record, $2.00, to {linus.email}" in told(page)
    assert filing.load_aliases(owner) == {}
    button(page, "Move 1 record")

    assert "1 record moved." in told(page)
    assert filing.load_aliases(owner) == {"linus@corp.com": linus.user_id}
    assert "Every name in your records is known." in shown(page)

    select_name(page, "aliases-")
    button(page, "Forget name")
    assert f"Moves 1 record, $2.00, to {owner.email}" in told(page)
    button(page, "Move 1 record")
    assert filing.load_aliases(owner) == {}


def test_overview_shows_spend_by_person(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    assert "Spend by person" not in shown(open_page(monkeypatch, owner))

    filing.save_aliases(owner, {"linus@corp.com": linus.user_id}, {})
    data.forget_version(linus)

    assert "Spend by person" in shown(open_page(monkeypatch, owner))
    split = data.load_split(linus, "person", None, None)
    assert linus.user_id in set(split["part"])
    assert owner.user_id not in set(split["part"])
