"""The page that accepts an invitation, on a real server and database."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.auth.identity import User
from app.data import workspace_changes
from app.data.workspace_changes import NewInvitation
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import PASSWORD, Account, sign_in, sign_in_user
from tests.app.app_server import AppServer
from tests.app.teams import join, new_team
from tests.app.wire import Wire

Job = psycopg.Connection[Any]
HOSTILE = "<script>alert(1)</script> & Söhne"
USED = (
    "This invitation was used, cancelled or replaced by a newer one. "
    "If you did not use it, ask for a new one."
)


@pytest.fixture
def owner(user: User, job: Job) -> User:
    """The owner of a team."""
    return new_team(job, user, name=HOSTILE)


@pytest.fixture
def guest(new_account: Callable[[], Account]) -> Account:
    """Another account, which is invited."""
    return new_account()


def invite(owner: User, email: str, role: str = "member") -> NewInvitation:
    return workspace_changes.invite(owner, email, role)


def path_of(invitation: NewInvitation) -> str:
    return f"/invitation?token={invitation.token}"


def reason(answer: httpx.Response) -> str:
    """The sentence on a page that refuses."""
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    return unescape(found.group(1)) if found else ""


def accept(browser: httpx.Client, token: str) -> httpx.Response:
    return browser.post("/invitation", data={"token": token})


def role_of(job: Job, member: User, email: str) -> str | None:
    query = """
    select m.role
    from public.members as m
    inner join auth.users as u on m.user_id = u.id
    where m.workspace_id = %s and u.email = %s"""
    row = job.execute(query, [member.workspace.workspace_id, email]).fetchone()
    return row and str(row[0])


def test_new_person_signs_up_comes_back_and_joins(browser: httpx.Client, owner: User, job: Job) -> None:
    email = f"{uuid4().hex[:12]}@example.com"
    invitation = invite(owner, email, "viewer")

    page = browser.get(path_of(invitation))
    assert page.status_code == 200
    assert "Söhne" not in page.text, "a workspace is named only to the person who is invited"
    (sign_up,) = re.findall(r'href="(/signup[^"]*)"', page.text)
    (following,) = re.findall(r'name="next" value="([^"]*)"', browser.get(unescape(sign_up)).text)
    signed_up = browser.post(
        "/signup", data={"email": email, "password": PASSWORD, "next": unescape(following)}
    )
    assert signed_up.headers["location"] == path_of(invitation)

    shown = browser.get(path_of(invitation))
    assert f"{owner.email} invited you to this workspace as a viewer." in shown.text
    assert "Join &lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne" in shown.text
    assert "<script" not in shown.text
    joined = accept(browser, invitation.token)
    assert (joined.status_code, joined.headers["location"]) == (
        303,
        f"/?workspace={owner.workspace.workspace_id}",
    )
    assert role_of(job, owner, email) == "viewer"
    home = browser.get("/")
    assert home.headers["location"] == f"/?workspace={owner.workspace.workspace_id}", "the last choice"
    assert accept(browser, invitation.token).headers["location"] == joined.headers["location"]
    again = browser.get(path_of(invitation))
    assert (again.status_code, again.headers["location"]) == (303, joined.headers["location"])
    leave = "delete from public.members where workspace_id = %s and role = 'viewer'"
    job.execute(leave, [owner.workspace.workspace_id])
    assert reason(browser.get(path_of(invitation))) == USED


def test_other_account_learns_the_masked_address_and_can_sign_out(
    signed_in: httpx.Client, owner: User, job: Job
) -> None:
    email = f"grace-{uuid4().hex[:12]}@example.com"
    invitation = invite(owner, email)

    for answer in (signed_in.get(path_of(invitation)), accept(signed_in, invitation.token)):
        assert answer.status_code == 422
        assert reason(answer) == (
            "This invitation is for g…@example.com. "
            "Sign in with that address, or ask for an invitation of yours."
        )
        assert email not in answer.text
        assert "Söhne" not in answer.text
    (following,) = re.findall(r'name="next" value="([^"]*)"', answer.text)
    left = signed_in.post("/logout", data={"next": unescape(following)})
    assert left.headers["location"] == f"/login?next=%2Finvitation%3Ftoken%3D{invitation.token}"
    assert role_of(job, owner, email) is None


@pytest.mark.parametrize("kind", ["expired", "cancelled", "replaced", "rubbish", "incomplete", "missing"])
def test_link_that_does_not_work_says_what_to_do(
    browser: httpx.Client, owner: User, guest: Account, job: Job, kind: str
) -> None:
    sign_in(browser, guest)
    invitation = invite(owner, guest.email)
    token, sentence = invitation.token, USED
    if kind == "expired":
        expire = "update public.invitations set expires_at = now() - interval '1 day' where email = %s"
        job.execute(expire, [guest.email])
        sentence = "This invitation has expired. Ask for a new one."
    elif kind == "cancelled":
        cancel = "select id from public.invitations where email = %s"
        (invitation_id,) = job.execute(cancel, [guest.email]).fetchone() or [None]
        workspace_changes.cancel_invitation(owner, str(invitation_id))
    elif kind == "replaced":
        invite(owner, guest.email)
    elif kind == "rubbish":
        token = "x" * 43
    else:
        token = token[:-1] if kind == "incomplete" else ""
        sentence = "This link is incomplete. Copy the whole link from the email."

    for answer in (browser.get(f"/invitation?token={token}"), accept(browser, token)):
        assert answer.status_code in (404, 422)
        assert reason(answer) == sentence
    assert role_of(job, owner, guest.email) is None


def test_invitation_of_a_removed_admin_is_refused(
    browser: httpx.Client,
    upstream: AuthClient,
    owner: User,
    guest: Account,
    new_account: Callable[[], Account],
    job: Job,
) -> None:
    sign_in(browser, guest)
    admin = join(job, owner, sign_in_user(upstream, new_account()), "admin")
    invitation = invite(admin, guest.email)
    workspace_changes.remove_member(owner, admin.user_id)

    assert "no longer an admin of the workspace" in reason(accept(browser, invitation.token))
    assert role_of(job, owner, guest.email) is None


def test_four_at_once_join_once(server: AppServer, owner: User, guest: Account, job: Job) -> None:
    invitation = invite(owner, guest.email)
    with ExitStack() as stack:
        browsers = [stack.enter_context(server.browser()) for _ in range(4)]
        for browser in browsers:
            sign_in(browser, guest)
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda browser: accept(browser, invitation.token), browsers))

    assert [answer.status_code for answer in answers] == [303] * 4, "as after a double click"
    assert role_of(job, owner, guest.email) == "member"


def test_page_has_its_own_policies_and_keeps_its_address_to_itself(
    browser: httpx.Client, owner: User, guest: Account
) -> None:
    sign_in(browser, guest)
    page = browser.get(path_of(invite(owner, guest.email)), headers={"sec-fetch-site": "cross-site"})

    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_form_of_another_site_accepts_nothing(
    browser: httpx.Client, owner: User, guest: Account, job: Job
) -> None:
    sign_in(browser, guest)
    invitation = invite(owner, guest.email)
    browser.headers["origin"] = "https://evil.example"

    assert accept(browser, invitation.token).status_code == 403
    assert role_of(job, owner, guest.email) is None


def test_one_network_is_rate_limited(server: AppServer) -> None:
    with server.browser("192.0.2.77") as browser:
        statuses = [browser.get(f"/invitation?token={n:043d}").status_code for n in range(201)]
        limited = accept(browser, "x" * 43)

    assert statuses == [200] * 200 + [429]
    assert "Too many attempts." in reason(limited)
    assert int(limited.headers["retry-after"]) > 0


def test_unreachable_database_is_explained_and_ends_nothing(
    server: AppServer, browser: httpx.Client, server_wire: Wire, owner: User, guest: Account, job: Job
) -> None:
    invitation = invite(owner, guest.email)
    sign_in(browser, guest)
    server_wire.cut()
    answer = accept(browser, invitation.token)
    assert answer.status_code == 503
    assert "The invitation stays valid: open the link again later." in reason(answer)
    server_wire.mend()
    assert accept(browser, invitation.token).status_code == 303
    assert invitation.token not in server.log()
    assert role_of(job, owner, guest.email) == "member"
