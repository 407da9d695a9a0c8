"""Stories of a shared workspace: invited by email, switched to, and left by being removed."""

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from app.auth.identity import User
from app.auth.workspaces import Workspace
from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tests.app.accounts import PASSWORD, Account, sign_in_user
from tests.app.app_server import AppServer
from tests.app.pages import save, usage
from tests.app.teams import join, new_team, remove
from tests.e2e.accessibility import list_settled_violations
from tests.e2e.conftest import sign_out
from tests.e2e.steps import expect_page, expect_spend, sign_in, visit
from tests.shared_connections import operator_connection

LINK = re.compile(r"https?://\S+/invitation\?token=\S+")
IN_WORKSPACE = re.compile(r"workspace=([0-9a-f-]{36})")
SELECT_AGENTS = """
select action, user_agent, address from public.audit_logs where workspace_id = %s and actor = 'person'"""
LONG_NAME = ("Northwind and daughters " * 5)[:100].strip()


@pytest.fixture
def owner(upstream: AuthClient, account: Account, stack: Stack) -> User:
    """The owner of a team with a long name, which spent $12.50."""
    with operator_connection(stack, autocommit=True) as job:
        owner = new_team(job, sign_in_user(upstream, account), name=LONG_NAME)
    save(owner, [usage(1, "12.50")])
    return owner


def in_team(path: str, member: User) -> str:
    """The address of a page of the team."""
    return f"{path}?workspace={member.workspace.workspace_id}"


def mailed_link(server: AppServer, email: str) -> str:
    """The link of the newest email to an address."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for file in (server.folder / "outbox").glob("*.json"):
            mail = json.loads(file.read_text())
            if mail["to"] == email and (found := LINK.search(mail["text"])):
                return found.group()
        time.sleep(0.1)
    raise AssertionError("no link was mailed")


def create_first_workspace(page: Page) -> str:
    """Create a workspace with a long name in the settings of the personal one; returns its id."""
    page.get_by_role("button", name="Create workspace").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(LONG_NAME)
    dialog.get_by_role("button", name="Create workspace").click()

    expect(page.get_by_text(f"{LONG_NAME} created. You can invite its members now.")).to_be_visible()
    expect(page).to_have_url(IN_WORKSPACE)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Workspace")).to_have_value(LONG_NAME)
    for hidden in ("Workspace", "Project"):  # fields that bind the address
        expect(page.get_by_role("textbox", name=hidden)).to_have_count(0)
    found = IN_WORKSPACE.search(page.url)
    assert found
    return found[1]


def invite(page: Page, email: str) -> str:
    """Invite somebody in the settings; returns the link that is shown."""
    page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(email)
    dialog.get_by_role("button", name="Invite", exact=True).click()
    expect(dialog.get_by_text("in the outbox folder of this server")).to_be_visible()
    shown = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close").click()
    return shown


def accept(guest: Page, link: str, email: str) -> None:
    """Follow the link of an invitation, create an account, and join."""
    guest.goto(link)
    assert list_settled_violations(guest) == []
    guest.get_by_role("link", name="Create an account").click()
    guest.get_by_label("Email").fill(email)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Create account").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("Join Northwind")
    assert list_settled_violations(guest) == []
    assert guest.evaluate("document.documentElement.scrollWidth <= innerWidth")
    guest.get_by_role("button", name="Accept invitation").click()


def test_first_workspace_is_created_and_a_new_person_who_is_invited_by_email_joins_it(
    page: Page, server: AppServer, upstream: AuthClient, account: Account, stack: Stack
) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    sign_in(page, account, "/settings")
    team = create_first_workspace(page)
    owner = sign_in_user(upstream, account)
    save(replace(owner, workspace=Workspace(team, "owner", LONG_NAME)), [usage(1, "12.50")])
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    assert list_settled_violations(page) == []
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") == 390
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    assert list_settled_violations(page) == []
    shown = invite(page, email)
    sign_out(page)
    guest, link = page.context.new_page(), mailed_link(server, email)
    assert link == shown

    accept(guest, link, email)

    expect(guest).to_have_url(re.compile(f"workspace={team}"))
    expect_spend(guest, "$12.50")
    expect(guest.get_by_role("combobox", name="Workspace")).to_have_value(LONG_NAME)
    with operator_connection(stack, autocommit=True) as job:
        found = job.execute(SELECT_AGENTS, [team]).fetchall()
    assert {address for _, _, address in found} == {"127.0.0.1"}
    agents = {action: str(user_agent) for action, user_agent, _ in found}
    assert all("Chrome" in agents[action] for action in ("invite", "join")), "the browser, not the server"


def test_switching_keeps_page_and_dates_and_follows_back(page: Page, account: Account, owner: User) -> None:
    team = owner.workspace.workspace_id
    save(owner.in_personal_workspace(), [usage(1, "3")])
    sign_in(page, account)
    page.get_by_role("radio", name="90D").click()
    expect(page).to_have_url(re.compile("range=90D"))
    expect_page(page, "/")
    switcher = page.get_by_role("combobox", name="Workspace")
    switcher.focus()
    page.keyboard.type("North")
    expect(page.get_by_role("option", name=LONG_NAME)).to_be_visible()
    page.keyboard.press("Enter")
    expect_spend(page, "$12.50")
    expect(page).to_have_url(re.compile(f"workspace={team}"))
    expect(page).to_have_url(re.compile("range=90D"))

    visit(page, "/records")
    expect(page.get_by_text("1 to 1 of 1 record")).to_be_visible()
    assert list_settled_violations(page) == []
    expect(page).to_have_url(re.compile(f"/records\\?workspace={team}$"))
    page.go_back()
    expect_page(page, "/")
    expect(switcher).to_have_value(LONG_NAME)
    page.goto("/records")
    expect(page).to_have_url(re.compile(f"/records\\?workspace={team}"))

    switcher.click()
    page.get_by_role("option", name="Personal").click()
    expect(page).to_have_url(re.compile("/records$"))
    visit(page, "/")
    expect_spend(page, "$3.00")


def test_removed_member_is_told_and_sees_the_personal_workspace(
    page: Page, upstream: AuthClient, owner: User, new_account: Callable[[], Account], stack: Stack
) -> None:
    account = new_account()
    with operator_connection(stack, autocommit=True) as job:
        member = join(job, owner, sign_in_user(upstream, account), "member")
        sign_in(page, account, in_team("/records", member))
        remove(job, member)
    page.wait_for_timeout(1_500)  # the data version is cached for a second
    visit(page, "/subscriptions")

    expect(page.get_by_text("You are no longer a member of Northwind")).to_be_visible()
    expect(page).not_to_have_url(re.compile("workspace"))
    expect(page.get_by_role("combobox", name="Workspace")).to_have_count(0)
