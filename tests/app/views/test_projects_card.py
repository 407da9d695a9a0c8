"""Settings: projects, and rules whose effect is shown before they are saved."""

from collections.abc import Callable

import pandas as pd
import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import filing
from app.figures.filing import Rule
from app.formats.text import DASH
from app.views.settings import rule_list
from app.views.settings.rule_form import SUGGESTED
from tally.accounts.auth_client import AuthClient
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_page, read_markdown, save, shown, usage
from tests.app.projects import add_project, archive, set_rules
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import select_line, shown_table, tables


@pytest.fixture
def shop(user: User) -> str:
    """A project, and two of three records that name its folder."""
    save(
        user,
        [
            usage(1, "2", metadata={"project": "shop"}),
            usage(2, "3", metadata={"project": "shop"}, cost_basis="estimated"),
            usage(1, "5"),
        ],
    )
    return add_project(user, "Garden shop")


def told(page: AppTest) -> str:
    boxes = (*page.info, *page.success, *page.warning)
    return read_markdown("\n".join(str(box.value) for box in boxes))


def rules_of(page: AppTest) -> pd.DataFrame:
    return shown_table(next(table for table in tables(page) if "rule" in table.value.columns))


def button(page: AppTest, label: str) -> None:
    next(found for found in page.button if found.label == label).click().run()


def select_rule(page: AppTest, place: int) -> None:
    select_line(page, next(table.key for table in tables(page) if "rule" in table.value.columns), place)


def test_account_without_projects_is_invited_to_create_one(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})

    assert "A project collects what belongs together" in shown(page)
    assert "New project" in [found.label for found in page.button]
    assert "New rule" not in [found.label for found in page.button]


def test_project_is_created(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.setattr(identity, "current_user", lambda: user)
    dialog = AppTest.from_function(open_dialog, default_timeout=60).run()

    dialog.text_input[0].set_value(" Garden shop ")
    button(dialog, "Create project")

    assert [project.name for project in data.load_projects(user)] == ["Garden shop"]


def open_dialog() -> None:
    """The dialog on its own, as AppTest closes dialogs."""
    from app.views.settings.project_dialogs import create_project

    create_project()


def test_suggestion_fills_the_form_and_the_preview_is_what_moves(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str
) -> None:
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    button(page, "New rule")
    page.button_group(key=SUGGESTED).set_value(0).run()
    page.selectbox(key="rule-project").set_value(shop).run()

    assert page.text_input(key="rule-value").value == "shop"
    assert "Moves 2 records, $5.00 (of it $3.00 estimated), to Garden shop" in told(page)
    assert "The total does not change." in told(page)
    assert filing.load_rules(user) == []

    button(page, "Move 2 records")

    assert "2 records moved." in told(page)
    assert [(rule.field, rule.value) for rule in filing.load_rules(user)] == [("folder", "shop")]
    assert data.load_daily(user, None, None, shop)["records"].sum() == 2


def test_deleting_a_rule_is_previewed(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop), ("tag", "other", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_rule(page, 0)

    button(page, "Delete")

    assert "Moves 2 records, $5.00 (of it $3.00 estimated), to Unassigned" in told(page)
    assert len(filing.load_rules(user)) == 2
    button(page, "Move 2 records")
    assert [rule.field for rule in filing.load_rules(user)] == ["tag"]


def test_rules_show_what_they_file(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop), ("tag", "other", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})

    rules = rules_of(page)
    assert rules[["records", "cost"]].values.tolist() == [["2", "$5.00"], ["0", "$0.00"]]
    labels = [found.label for found in page.button]
    assert labels.index("Edit", labels.index("Move down")) < labels.index("Delete")


def test_many_records_are_counted_on_request(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop))
    monkeypatch.setattr(rule_list, "MOST_COUNTED_AT_ONCE", 2)
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    assert "records" not in rules_of(page).columns

    button(page, "Count records")

    assert rules_of(page)["records"].tolist() == ["2"]


def test_rules_are_shown_without_counts_where_counting_fails(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str
) -> None:
    set_rules(user, ("folder", "shop", shop))

    def refuse(_: User) -> None:
        raise DatabaseError("Counting took too long.")

    monkeypatch.setattr(filing, "load_filed", refuse)
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})

    assert [error.value for error in page.error] == ["Counting took too long\\."]
    assert list(rules_of(page).columns) == ["place", "rule", "project"]


def test_order_changes_without_moving_records(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop), ("tag", "other", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_rule(page, 1)

    button(page, "Move up")
    assert "Moves no records" in told(page)
    button(page, "Save the order")

    assert [rule.field for rule in filing.load_rules(user)] == ["tag", "folder"]


def test_change_of_a_list_that_others_changed_is_not_saved(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str
) -> None:
    set_rules(user, ("folder", "shop", shop), ("tag", "other", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_rule(page, 0)
    button(page, "Delete")

    set_rules(user, ("branch", "main", shop))
    button(page, "Move 2 records")

    assert "The rules were changed in the meantime" in told(page)
    assert [rule.field for rule in filing.load_rules(user)] == ["branch"]


def test_two_lists_that_were_read_at_once_are_not_both_saved(user: User, shop: str) -> None:
    before = [Rule("folder", "exact", "shop", shop)]
    filing.save_rules(user, before, [])

    with pytest.raises(DatabaseError, match="The rules were changed meanwhile"):
        filing.save_rules(user, [Rule("tag", "exact", "x", shop)], [])

    assert filing.load_rules(user) == before


def test_restoring_a_project_is_previewed(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop))
    archive(user, shop)
    assert (
        rules_of(open_page(monkeypatch, user, "settings", {"section": "Projects"}))["records"].eq(DASH).all()
    )
    save(user, [usage(3, "7", metadata={"project": "shop"})])
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_line(page, next(table.key for table in tables(page) if "share" in table.value.columns), 0)

    button(page, "Restore")
    assert "Moves 1 record, $7.00, to Garden shop" in told(page)
    assert data.load_projects(user)[0].is_archived
    button(page, "Move 1 record")

    assert "Garden shop restored. 1 record moved." in told(page)
    assert "Moves" not in told(page)
    assert not data.load_projects(user)[0].is_archived
    assert data.load_daily(user, None, None, shop)["records"].sum() == 3


def test_rule_that_moved_while_it_was_edited_is_changed_where_it_is(
    monkeypatch: pytest.MonkeyPatch, user: User, shop: str
) -> None:
    set_rules(user, ("folder", "shop", shop), ("tag", "other", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_rule(page, 0)
    page.button(key="rule-edit").click().run()

    set_rules(user, ("branch", "main", shop), ("folder", "shop", shop))
    page.text_input(key="rule-value").set_value("store").run()
    assert "Edit rule 2" in [heading.value for heading in page.subheader]
    button(page, "Move 2 records")

    assert [(rule.field, rule.value) for rule in filing.load_rules(user)] == [
        ("branch", "main"),
        ("folder", "store"),
    ]


def test_rule_that_is_gone_is_not_edited(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    select_rule(page, 0)
    page.button(key="rule-edit").click().run()

    set_rules(user, ("branch", "main", shop))
    page.text_input(key="rule-value").set_value("store").run()

    assert "This rule was changed in the meantime" in told(page)
    assert "New rule" in [found.label for found in page.button]
    assert [rule.field for rule in filing.load_rules(user)] == ["branch"]


def test_refusal_of_the_database_is_shown(monkeypatch: pytest.MonkeyPatch, user: User, shop: str) -> None:
    set_rules(user, ("folder", "shop", shop))
    page = open_page(monkeypatch, user, "settings", {"section": "Projects"})
    button(page, "New rule")
    page.text_input(key="rule-value").set_value("shop").run()
    page.selectbox(key="rule-project").set_value(shop).run()

    assert any("same" in error.value for error in page.error)


def test_member_sees_rules_but_cannot_change_them(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: psycopg.Connection[object],
) -> None:
    owner = new_team(job, sign_in_user(upstream, new_account()))
    project = add_project(owner, "Garden shop")
    set_rules(owner, ("folder", "shop", project))
    member = join(job, owner, user, "member")

    page = open_page(monkeypatch, member, "settings", {"section": "Projects"})

    assert not page.exception
    assert "Projects and rules" in shown(page)
    assert not {"New project", "New rule", "Move up"} & {found.label for found in page.button}


def test_members_of_a_private_project_are_chosen(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: psycopg.Connection[object],
) -> None:
    owner = new_team(job, user)
    member = join(job, owner, sign_in_user(upstream, new_account()), "member")
    add_project(owner, "Secret", is_private=True)
    assert data.load_projects(member) == []
    monkeypatch.setattr(identity, "current_user", lambda: owner)
    dialog = AppTest.from_function(open_members, default_timeout=60).run()

    assert dialog.multiselect[0].options == [member.email]
    dialog.multiselect[0].set_value([member.user_id])
    button(dialog, "Save members")

    data.forget_version(member)
    assert [project.members for project in data.load_projects(member)] == [(member.user_id,)]


def open_members() -> None:
    from app import data
    from app.auth import identity
    from app.views.settings.project_dialogs import choose_members

    choose_members(data.load_projects(identity.current_user())[0])
