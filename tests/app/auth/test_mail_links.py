"""Links in emails of the sign-in service, followed by a browser."""

import json
import re
import time
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from app.auth.spent_links import SpentLinks
from tally.accounts.auth_client import AuthClient, AuthRefused
from tally.local.stack import Stack
from tests.app.accounts import PASSWORD, Account
from tests.app.auth.mails import mailed_code
from tests.app.conftest import Project
from tests.supabase.parts import connect

NEW_PASSWORD = "another horse 2"
SPENT = "This link was used, replaced by a newer one, or has expired."


def mailed_link(project: Project, email: str) -> str:
    """Path and query of the newest link in the outbox for an address."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        files = sorted(project.outbox.glob("*.json"), key=lambda file: file.name, reverse=True)
        for mail in (json.loads(file.read_text()) for file in files):
            if mail["to"] == email and (found := re.search(r"https?://\S+", mail["text"])):
                link = urlsplit(unescape(found.group()))
                return f"{link.path}?{link.query}"
        time.sleep(0.1)
    raise AssertionError("no link was mailed")


def said(answer: httpx.Response) -> str:
    found = re.search(r'role="(?:alert|status)">([^<]+)<', answer.text)
    return unescape(found.group(1)) if found else ""


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def follow(browser: httpx.Client, link: str, **typed: str) -> httpx.Response:
    """Open a link and send the form of its page."""
    page = browser.get(link)
    assert page.status_code == 200, page.text
    (action,) = re.findall(r'action="([^"]+)"', page.text)
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return browser.post(action, data=dict(hidden) | typed)


def test_link_of_a_reset_sets_a_new_password_once(
    browser: httpx.Client, project: Project, account: Account, upstream: AuthClient
) -> None:
    browser.post("/forgot", data={"email": account.email})
    link = mailed_link(project, account.email)
    for _ in range(2):  # as a mail scanner does
        assert "Choose a new password" in browser.get(link).text

    short = follow(browser, link, password="short")
    assert (short.status_code, said(short)) == (422, "That password is too short. Use at least 8 characters.")
    assert 'name="token"' in short.text, "the form can be sent again"
    done = follow(browser, link, password=NEW_PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    assert upstream.sign_in(account.email, NEW_PASSWORD).email == account.email
    with pytest.raises(AuthRefused, match="Wrong email or password"):
        upstream.sign_in(account.email, PASSWORD)

    opened = browser.get(link)
    assert (opened.status_code, said(opened)) == (410, f"{SPENT} Request a new code.")
    assert re.findall(r'action="([^"]+)"', opened.text) == ["/forgot"]
    again = browser.post("/reset", data={"token": token_of(link), "password": "a third horse 3"})
    assert (again.status_code, said(again)) == (422, f"{SPENT} Request a new code.")
    assert 'action="/forgot"' in again.text
    assert upstream.sign_in(account.email, NEW_PASSWORD).email == account.email


def test_code_and_link_of_an_email_work_once_together(
    browser: httpx.Client, project: Project, account: Account
) -> None:
    browser.post("/forgot", data={"email": account.email})
    link, code = mailed_link(project, account.email), mailed_code(project, account)
    form = {"email": account.email, "code": code, "password": NEW_PASSWORD}
    assert browser.post("/reset", data=form).status_code == 303
    browser.cookies.clear()
    assert said(follow(browser, link, password="a third horse 3")) == f"{SPENT} Request a new code."


def test_link_that_confirms_an_address_works_once(
    browser: httpx.Client, account: Account, stack: Stack
) -> None:
    token = uuid4().hex * 2
    with connect(stack, "supabase_admin") as database:
        database.execute(
            "update auth.users set email_confirmed_at = null, confirmation_token = %s,"
            " confirmation_sent_at = now() where email = %s",
            [token, account.email],
        )
    link = f"/auth/v1/verify?type=signup&token={token}"
    page = browser.get(link)
    assert "Confirm email address" in page.text
    assert browser.get("/").status_code == 303, "a visit alone confirms nothing"
    done = follow(browser, link)
    assert (done.status_code, done.headers["location"]) == (303, "/"), said(done)
    assert browser.get("/").status_code == 200
    opened = browser.get(link)
    assert (opened.status_code, said(opened)) == (410, SPENT)
    assert "<form" not in opened.text
    again = browser.post("/confirm", data={"kind": "signup", "token": token})
    assert (again.status_code, said(again)) == (422, SPENT)


@pytest.mark.parametrize(
    "query", ["", "?type=recovery", "?type=sms&token=" + "a" * 56, "?type=signup&token=a%20b"]
)
def test_incomplete_link_says_so(browser: httpx.Client, query: str) -> None:
    answer = browser.get(f"/auth/v1/verify{query}")
    assert (answer.status_code, said(answer)) == (
        404,
        "This link is incomplete. Copy the whole link from the email.",
    )
    assert browser.post("/confirm", data={"kind": "signup", "token": "<b>"}).status_code == 404
    made_up = browser.post("/reset", data={"token": "<b>", "password": NEW_PASSWORD})
    assert (made_up.status_code, said(made_up)) == (422, f"{SPENT} Request a new code.")


def test_unknown_token_of_a_confirmation_is_refused_and_then_known(browser: httpx.Client) -> None:
    link = f"/auth/v1/verify?type=signup&token={uuid4().hex}"
    answer = follow(browser, link)
    assert (answer.status_code, said(answer)) == (422, SPENT)
    assert browser.get(link).status_code == 410


def test_oldest_spent_links_are_forgotten_first() -> None:
    links = SpentLinks(most=2)
    for token in ("first", "second", "second", "third"):
        links.add(token)
    assert [token in links for token in ("first", "second", "third", "new")] == [False, True, True, False]


def test_another_site_cannot_send_the_forms(browser: httpx.Client) -> None:
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    for path in ("/confirm", "/reset"):
        assert browser.post(path, data={"token": "a" * 56}, headers=foreign).status_code == 403
