"""Settings of a shared workspace, by role."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, load_workspaces
from app.auth.sessions import sessions
from app.data import workspace_changes
from app.figures.members import Person
from app.views.settings.leaving import ONLY_OWNER
from app.views.settings.members import ABOVE, ALT
from tally.accounts.auth_client import AuthClient
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.projects import add_project
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import select_line, tables

Job = psycopg.Connection[Any]
DIALOGS = "app.views.settings.member_dialogs"
INVITATIONS = "app.views.settings.invitations"
LEAVING = "app.views.settings.leaving"
EXPIRE = "update public.invitations set expires_at = now() - interval '1 day' where email = %s"
LINK = re.compile(r"https?://\S*/invitation\?token=[\w-]{43}")


@pytest.fixture
def owner(user: User, job: Job) -> User:
    """The owner of a team."""
    return new_team(job, user, name="Northwind", timezone="Europe/Berlin")


@pytest.fixture
def grace(owner: User, upstream: AuthClient, new_account: Callable[[], Account], job: Job) -> User:
    """An admin of the team."""
    return join(job, owner, sign_in_user(upstream, new_account()), "admin")


@pytest.fixture
def linus(owner: User, upstream: AuthClient, new_account: Callable[[], Account], job: Job) -> User:
    """A member of the team."""
    return join(job, owner, sign_in_user(upstream, new_account()), "member")


def button(page: AppTest, label: str) -> Any:
    return next(found for found in page.button if found.label == label)


PEOPLE = {"section": "People"}


def fill(page: AppTest, label: str, text: str) -> None:
    next(field for field in page.text_input if field.label == label).set_value(text)


def press(page: AppTest, label: str) -> AppTest:
    button(page, label).click().run()
    assert not page.exception
    return page


def all_text(page: AppTest) -> str:
    notices = [str(notice.value) for kind in (page.success, page.warning) for notice in kind]
    return read_markdown("\n".join([shown(page), *notices]))


def list_enabled(page: AppTest) -> set[str]:
    return {found.label for found in page.button if not found.disabled}


def person_of(viewer: User, user: User) -> Person:
    return data.load_people(viewer)[user.user_id]


def select_member(page: AppTest, user: User, member: User) -> AppTest:
    """Select a member in the table."""
    members = [person.user_id for person in data.load_people(user).values() if person.role]
    key = f"members-{hash(tuple(members))}"
    position = members.index(member.user_id)
    return select_line(page, key, position)


def test_admin_sees_limits_and_use_of_everyone(
    monkeypatch: pytest.MonkeyPatch, owner: User, grace: User, linus: User
) -> None:
    save(linus, [usage(0, "132.40", input_tokens=1000)])
    save(owner, [usage(0, "1", model_name="of-the-owner")])
    workspace_changes.set_member_limit(grace, linus.user_id, None, 4000)

    page = open_page(monkeypatch, grace, "settings", PEOPLE)

    table = tables(page)[0].value.set_index("member")
    assert table.index.tolist() == [owner.email, f"{grace.email} (you)", linus.email]
    assert table["role"].tolist() == ["Owner", "Admin", "Member"]
    assert table.loc[linus.email, "this_month"] == "$132.40"
    assert table.loc[linus.email, "used"] == "25%"
    assert table["token_limit"].tolist()[-1] == "4,000"


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_see_the_list_and_their_own_limit(
    monkeypatch: pytest.MonkeyPatch, owner: User, linus: User, role: Any
) -> None:
    save(linus, [usage(0, "132.40")])
    save(owner, [usage(0, "1", model_name="of-the-owner")])
    workspace_changes.set_member_limit(owner, linus.user_id, Decimal(150), None)
    workspace_changes.set_role(owner, linus.user_id, role)
    member = replace(linus, workspace=replace(linus.workspace, role=role))

    page = open_page(monkeypatch, member, "settings", PEOPLE)

    assert "Your limit: $150 a month, $132.40 used." in all_text(page)
    assert list(tables(page)[0].value.columns) == ["member", "role"]
    assert list_enabled(page) == set()

    page.segmented_control(key="section").set_value("Workspace").run()
    assert list_enabled(page) == {
        "Create workspace",
        "Leave workspace",
        "Prepare FOCUS file",
        "Prepare export",
    }
    assert "Northwind" in all_text(page)
    assert "Project totals and their own costs" in all_text(page)


def test_admin_cannot_touch_an_owner(
    monkeypatch: pytest.MonkeyPatch, owner: User, grace: User, linus: User
) -> None:
    page = select_member(open_page(monkeypatch, grace, "settings", PEOPLE), grace, owner)
    actions = ("Change role", "Set limit", "Remove")
    assert ABOVE in all_text(page)
    assert [button(page, label).disabled for label in actions] == [True] * 3

    select_member(page, grace, linus)
    assert [button(page, label).disabled for label in actions] == [False] * 3

    with pytest.raises(DatabaseError, match="above yours"):
        workspace_changes.set_role(grace, owner.user_id, "viewer")
    with pytest.raises(DatabaseError, match="above yours"):
        workspace_changes.remove_member(grace, owner.user_id)
    with pytest.raises(DatabaseError, match="above your own"):
        workspace_changes.set_role(grace, grace.user_id, "owner")


def test_member_is_chosen_in_the_list_of_phones(
    monkeypatch: pytest.MonkeyPatch, owner: User, linus: User
) -> None:
    save(linus, [usage(0, "132.40")])
    workspace_changes.set_member_limit(owner, linus.user_id, Decimal(331), 4000)
    page = open_page(monkeypatch, owner, "settings", PEOPLE)
    members = next(radio for radio in page.radio if radio.label == ALT)
    lines = "Member · $132.40 this month · limit $331 and 4,000 tokens, 40% used · last active: Today"
    assert lines in [str(caption).replace("\\", "") for caption in members.proto.captions]
    assert button(page, "Remove").disabled

    members.set_value(1).run()
    assert not button(page, "Remove").disabled

    select_member(page, owner, owner)
    assert button(page, "Remove").disabled, "the row selected last is the one that buttons change"


def test_general_settings_show_for_everyone_at_once(
    monkeypatch: pytest.MonkeyPatch, owner: User, linus: User
) -> None:
    page = open_page(monkeypatch, owner, "settings")
    assert load_workspaces(linus.in_personal_workspace())[1].name == "Northwind"

    fill(page, "Name", "Southwind")
    next(box for box in page.selectbox if box.label == "Time zone").set_value("Asia/Kathmandu")
    press(page, "Save")

    assert "Settings saved." in all_text(page)
    assert page.selectbox(key="switcher").options[1] == "Southwind"
    changed = load_workspaces(linus.in_personal_workspace())[1]
    assert (changed.name, changed.timezone, changed.currency) == ("Southwind", "Asia/Kathmandu", "USD")


def test_empty_name_is_refused(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    page = open_page(monkeypatch, owner, "settings")
    fill(page, "Name", "  ")
    assert press(page, "Save").error


def test_who_sees_whom_is_saved_at_once(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    page = open_page(monkeypatch, owner, "settings")
    page.radio[0].set_value("everyone").run()

    assert "Settings saved." in all_text(page)
    assert load_workspaces(linus.in_personal_workspace())[1].person_split == "everyone"
    page.run()
    assert page.radio[0].value == "everyone"


@pytest.mark.parametrize(("person_split", "exported"), [("admins", {"own"}), ("everyone", {"own", "others"})])
def test_records_are_exported_as_the_member_sees_them(
    monkeypatch: pytest.MonkeyPatch, owner: User, linus: User, person_split: Any, exported: set[str]
) -> None:
    hidden = add_project(owner, "Secret", is_private=True)
    save(linus, [usage(0, "1", model_name="own")])
    save(owner, [usage(0, "2", model_name="others"), usage(1, "3", model_name="secret", project_id=hidden)])
    workspace_changes.update_workspace(owner, person_split=person_split)
    member = replace(linus, workspace=replace(linus.workspace, person_split=person_split))
    page = press(open_page(monkeypatch, member, "settings"), "Prepare export")

    assert set(page.session_state.export.records["model_name"]) == exported
    assert ("The records that you added" in all_text(page)) == (person_split == "admins")
    assert {"CSV", "Parquet"} <= {download.label for download in page.download_button}


def test_export_of_one_workspace_is_not_offered_in_another(
    monkeypatch: pytest.MonkeyPatch, owner: User
) -> None:
    save(owner, [usage(0, "1")])
    page = press(open_page(monkeypatch, owner, "settings"), "Prepare export")
    assert "1 record, as of" in all_text(page)

    page.session_state["section"] = "My account"
    page.run()

    assert "CSV" not in {download.label for download in page.download_button}
    assert button(page, "Prepare export")


def test_own_account_keeps_its_settings(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    page = open_page(monkeypatch, owner, "settings")
    page.segmented_control(key="section").set_value("My account").run()

    box = next(box for box in page.selectbox if box.label == "Time zone")
    assert box.value == "UTC"
    next(box for box in page.selectbox if box.label == "Theme").set_value("dark")
    press(page, "Save settings")
    assert data.load_preferences(owner).theme == "dark"
    assert {"Create workspace", "Delete account"} <= {found.label for found in page.button}


PERSONAL = ["My account", "Projects", "Alerts", "Traces", "Audit log"]


def test_personal_workspace_begins_with_the_account(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "settings")

    assert page.segmented_control(key="section").options == PERSONAL
    assert {"Save settings", "Create workspace", "Delete account"} <= {found.label for found in page.button}


def test_role_is_changed(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{DIALOGS}:change_role", person_of(owner, linus))
    assert button(dialog, "Change role").disabled
    dialog.radio[0].set_value("viewer").run()
    press(dialog, "Change role")

    assert person_of(owner, linus).role == "viewer"


def test_admin_is_not_offered_the_role_of_an_owner(
    monkeypatch: pytest.MonkeyPatch, grace: User, linus: User
) -> None:
    dialog = open_dialog(monkeypatch, grace, f"{DIALOGS}:change_role", person_of(grace, linus))
    assert dialog.radio[0].options == ["Admin", "Member", "Viewer"]


def test_limit_is_set_and_removed(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{DIALOGS}:set_limit", person_of(owner, linus))
    fill(dialog, "Monthly limit (USD)", "-5")
    press(dialog, "Set limit")
    assert "above 0" in dialog.error[0].value

    fill(dialog, "Monthly limit (USD)", "1,250.50")
    dialog.number_input[0].set_value(10_000_000)
    press(dialog, "Set limit")
    limited = person_of(owner, linus)
    assert (str(limited.monthly_usd), limited.monthly_tokens) == ("1250.5", 10_000_000)

    dialog = open_dialog(monkeypatch, owner, f"{DIALOGS}:set_limit", limited)
    fill(dialog, "Monthly limit (USD)", "")
    dialog.number_input[0].set_value(None)
    press(dialog, "Set limit")
    assert person_of(owner, linus).monthly_usd is None


def test_member_is_removed(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{DIALOGS}:confirm_removal", person_of(owner, linus))
    press(dialog, "Remove member")

    assert person_of(owner, linus).role is None
    assert (
        linus.email
        not in tables(open_page(monkeypatch, owner, "settings", PEOPLE))[0].value["member"].tolist()
    )


@pytest.mark.usefixtures("linus")
def test_only_owner_cannot_leave(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    page = open_page(monkeypatch, owner, "settings")

    assert button(page, "Leave workspace").disabled
    assert ONLY_OWNER in all_text(page)
    assert not button(page, "Transfer ownership").disabled


def test_leaving_opens_the_personal_workspace(monkeypatch: pytest.MonkeyPatch, linus: User) -> None:
    sessions().save_last_workspace(linus.user_id, linus.workspace.workspace_id)
    dialog = open_dialog(monkeypatch, linus, f"{LEAVING}:confirm_leaving")
    press(dialog, "Leave workspace")

    assert [workspace.is_personal for workspace in load_workspaces(linus.in_personal_workspace())] == [True]
    assert dialog.session_state["entered_workspace"] == ""
    assert sessions().last_workspace(linus.user_id) is None


def test_ownership_is_transferred(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{LEAVING}:transfer")
    dialog.selectbox[0].set_value(linus.user_id).run()
    press(dialog, "Transfer ownership")

    assert (person_of(linus, linus).role, person_of(linus, owner).role) == ("owner", "admin")


def test_workspace_is_deleted_by_its_name_alone(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{LEAVING}:confirm_deletion")
    fill(dialog, "Name", "northwind!")
    press(dialog, "Delete workspace")
    assert dialog.error
    assert len(load_workspaces(owner.in_personal_workspace())) == 2

    fill(dialog, "Name", "Northwind")
    press(dialog, "Delete workspace")
    assert len(load_workspaces(owner.in_personal_workspace())) == 1


def test_invitations_are_listed_sent_again_and_cancelled(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job
) -> None:
    first, second = sorted([new_address(), new_address()])
    workspace_changes.invite(owner, first, "viewer")
    workspace_changes.invite(owner, second, "member")
    job.execute(EXPIRE, [first])

    page = open_page(monkeypatch, owner, "settings", PEOPLE)
    table = tables(page)[1].value
    assert table["email"].tolist() == [first, second]
    assert table["role"].tolist() == ["Viewer", "Member"]
    assert table["invited_by"].tolist() == [owner.email] * 2
    assert table["state"].tolist() == ["Expired", "Pending"]

    ken, margaret = data.load_invitations(owner)
    press(
        open_dialog(monkeypatch, owner, f"{INVITATIONS}:confirm_cancellation", margaret), "Cancel invitation"
    )
    press(open_dialog(monkeypatch, owner, f"{INVITATIONS}:send_again", ken), "Send again")
    (again,) = data.load_invitations(owner)
    assert (again.email, again.role) == (first, "viewer")
    assert again.expires_at > ken.expires_at
    assert again.invitation_id != ken.invitation_id


def new_address() -> str:
    """An address that was never invited: three invitations a day are allowed."""
    return f"{uuid4().hex[:12]}@example.com"


def invite(dialog: AppTest, email: str) -> AppTest:
    fill(dialog, "Email", email)
    return press(dialog, "Invite")


def test_without_mail_the_link_is_shown(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    email = new_address()
    dialog = open_dialog(monkeypatch, owner, f"{INVITATIONS}:invite_person")
    invite(dialog, f" {email.upper()} ")

    assert f"Copy this link and send it to {email} yourself." in all_text(dialog)
    assert "/invitation?token=" in dialog.code[0].value
    assert data.load_invitations(owner)[0].role == "member"


def test_mail_with_the_link_goes_to_the_outbox(
    monkeypatch: pytest.MonkeyPatch, owner: User, tmp_path: Path
) -> None:
    monkeypatch.setenv("TALLY_OUTBOX", str(tmp_path))
    monkeypatch.setattr("app.views.settings.invitation_mail.app_origin", lambda: "https://tally.example")

    email = new_address()
    dialog = invite(open_dialog(monkeypatch, owner, f"{INVITATIONS}:invite_person"), email)

    assert f"in the outbox folder of this server. Copy this link and send it to {email}" in all_text(dialog)
    (file,) = tmp_path.iterdir()
    mail = json.loads(file.read_text())
    assert mail["to"] == email
    assert dialog.code[0].value in mail["text"]
    assert f"{owner.email} invited you to the workspace “Northwind”" in mail["text"]


@pytest.mark.parametrize(
    ("smtp_url", "origin", "reason"),
    [
        ("smtp://ada:secret@127.0.0.1:9", "https://tally.example", "could not be reached"),
        ("nonsense", "https://tally.example", "SMTP_URL must be"),
        ("smtp://127.0.0.1:9", None, "No email was sent, because APP_ORIGIN is not set."),
    ],
)
def test_failed_mail_is_explained_and_the_link_shown(
    monkeypatch: pytest.MonkeyPatch, owner: User, smtp_url: str, origin: str | None, reason: str
) -> None:
    monkeypatch.setenv("SMTP_URL", smtp_url)
    monkeypatch.setattr("app.views.settings.invitation_mail.app_origin", lambda: origin)

    dialog = invite(open_dialog(monkeypatch, owner, f"{INVITATIONS}:invite_person"), new_address())

    assert reason in all_text(dialog)
    assert "secret" not in all_text(dialog)
    assert "/invitation?token=" in dialog.code[0].value


def test_refused_invitation_is_explained(monkeypatch: pytest.MonkeyPatch, owner: User, linus: User) -> None:
    dialog = open_dialog(monkeypatch, owner, f"{INVITATIONS}:invite_person")
    invite(dialog, "nobody")
    assert "address" in dialog.error[0].value
    invite(dialog, linus.email)
    assert "member of the workspace already" in dialog.error[0].value


def test_parts_are_those_that_a_role_may_see(
    monkeypatch: pytest.MonkeyPatch, grace: User, linus: User
) -> None:
    log = {"section": "Audit log"}
    of_admin = open_page(monkeypatch, grace, "settings", log).segmented_control(key="section")
    parts = ["Workspace", "People", "Projects", "Alerts", "Traces", "Audit log", "My account"]
    assert (of_admin.options, of_admin.value) == (parts, "Audit log")
    of_member = open_page(monkeypatch, linus, "settings", log).segmented_control(key="section")
    parts.remove("Audit log")
    assert (of_member.options, of_member.value) == (parts, "Workspace")


def test_only_the_part_that_is_shown_is_worked_out(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("another part was loaded")

    for name in ("load_people", "load_projects", "load_alert_rules", "load_trace_days", "load_audit_log"):
        monkeypatch.setattr(data, name, refuse)
    monkeypatch.setattr("app.data.channels.load_channels", refuse)
    page = open_page(monkeypatch, owner, "settings", {"section": "My account"})
    assert not page.exception
    assert "Display" in shown(page)
