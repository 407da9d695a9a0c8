"""The card of SQL roles on the Keys page: for admins, with a password that works and is shown once."""

from typing import Any

import psycopg
import pytest
from psycopg import OperationalError

from app.auth.identity import User
from app.auth.workspaces import Role
from app.data import api_keys
from tests.app.pages import open_dialog, open_page, shown
from tests.app.teams import new_team
from tests.app.ui.shown_table import tables

FORM = "app.views.keys.sql_access"


def test_a_role_is_made_reads_the_workspace_and_is_removed(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    assert "can read this workspace with SQL" in shown(open_page(monkeypatch, user, "keys"))
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_role")
    dialog.text_input[0].set_value(" Metabase *bold* ")
    dialog.button[0].click().run()
    assert not dialog.exception
    url = dialog.code[0].value
    with psycopg.connect(url) as connection:
        assert connection.execute("select email from people").fetchall() == [(user.email,)]
    with pytest.raises(OperationalError, match="password"):
        psycopg.connect(url, password="guessed")

    [role] = api_keys.load_sql_roles(user)
    page = open_page(monkeypatch, user, "keys")
    [table] = [one.value for one in tables(page) if "made" in one.value]
    assert table[["name", "user"]].to_numpy().tolist() == [["Metabase *bold*", role.role_name]]
    removal = open_dialog(monkeypatch, user, f"{FORM}:confirm_removal", role)
    next(button for button in removal.button if button.label == "Remove role").click().run()
    assert api_keys.load_sql_roles(user) == []
    with pytest.raises(OperationalError):
        psycopg.connect(url)


def test_a_role_without_a_name_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_role")
    dialog.button[0].click().run()
    assert "Give the role a name" in shown(dialog)
    assert not dialog.code


@pytest.mark.parametrize("role", ["member", "admin"])
def test_only_admins_see_the_card(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any], role: Role
) -> None:
    page = open_page(monkeypatch, new_team(job, user, role), "keys")
    assert not page.exception
    assert ("SQL for BI tools" in shown(page)) == (role == "admin")
