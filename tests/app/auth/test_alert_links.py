"""Links by which a mailbox agrees to get alerts, or ends them, followed by a browser without an account."""

import re
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from app.auth.identity import User
from tests.app.app_server import AppServer
from tests.app.teams import new_team

Job = psycopg.Connection[Any]
TOKEN = "t" * 43
PATH = "/confirm-alerts"


@pytest.fixture
def channel(user: User, job: Job) -> UUID:
    """A channel of a team, to whose mailbox a link was sent."""
    team, channel = new_team(job, user, name="Northwind <b>"), uuid4()
    job.execute(
        """insert into public.channels
            (id, workspace_id, kind, name, hint, sealed_target, encryption_key_id)
        values (%s, %s, 'email', 'Ann', 'a…@example.org', 'sealed', 'key')""",
        [channel, team.workspace.workspace_id],
    )
    job.execute("update public.channels set confirmation_sha256 = null")
    job.execute("select private.begin_confirmation(%s, %s, %s)", [channel, f"{channel}@example.org", TOKEN])
    return channel


def verified_by(job: Job, channel: UUID) -> str | None:
    [[answer]] = job.execute("select verified_by from public.channels where id = %s", [channel]).fetchall()
    return answer and str(answer)


def said(answer: httpx.Response) -> str:
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    return unescape(found.group(1)) if found else ""


def test_opening_the_link_agrees_to_nothing(browser: httpx.Client, job: Job, channel: UUID) -> None:
    page = browser.get(PATH, params={"token": TOKEN})
    assert page.status_code == 200
    assert "Get alerts" in page.text
    assert page.headers["referrer-policy"] in ("no-referrer", "strict-origin")
    assert verified_by(job, channel) is None


def test_form_agrees_without_an_account(browser: httpx.Client, job: Job, channel: UUID) -> None:
    for _ in range(2):
        done = browser.post(PATH, data={"token": TOKEN})
        assert done.status_code == 200
        assert "Alerts of the workspace “Northwind &lt;b&gt;” come to your address" in done.text
    assert verified_by(job, channel) == "link"


def test_link_that_has_expired_is_explained(browser: httpx.Client, job: Job, channel: UUID) -> None:
    job.execute("update public.channels set confirmation_expires_at = now() - interval '1 second'")
    refused = browser.post(PATH, data={"token": TOKEN})
    assert (refused.status_code, said(refused)) == (
        422,
        "This link has expired, or a newer one was sent. Ask for a new one.",
    )
    assert verified_by(job, channel) is None


STOP_TOKEN = "s" * 43
STOP = "/stop-alerts"


@pytest.fixture
def telling(job: Job, channel: UUID) -> UUID:
    """The channel, whose mailbox gets alerts."""
    job.execute("update public.channels set stop_sha256 = null")
    job.execute(
        """update public.channels set verified_at = now(), verified_by = 'link',
            stop_sha256 = decode(private.hash_token(%s), 'hex') where id = %s""",
        [STOP_TOKEN, channel],
    )
    return channel


def test_opening_the_link_that_ends_alerts_ends_nothing(
    browser: httpx.Client, job: Job, telling: UUID
) -> None:
    page = browser.get(STOP, params={"token": STOP_TOKEN})
    assert page.status_code == 200
    assert "Get no more alerts" in page.text
    assert verified_by(job, telling) == "link"


@pytest.mark.parametrize("is_one_click", [False, True])
def test_reader_ends_alerts(
    browser: httpx.Client, job: Job, telling: UUID, server: AppServer, is_one_click: bool
) -> None:
    if is_one_click:  # as a mail program sends it: from nowhere, and without a session
        body = {"List-Unsubscribe": "One-Click"}
        done = httpx.post(f"{server.url}{STOP}", params={"token": STOP_TOKEN}, data=body)
    else:
        done = browser.post(STOP, data={"token": STOP_TOKEN})
    assert done.status_code == 200
    assert "No more alerts of the workspace “Northwind &lt;b&gt;”" in done.text
    assert verified_by(job, telling) is None
    query = "select disabled_reason from public.channels where id = %s"
    assert job.execute(query, [telling]).fetchone() == ("Its reader asked to stop.",)


@pytest.mark.usefixtures("telling")
def test_stopped_mailbox_has_to_agree_again(job: Job) -> None:
    job.execute("select public.stop_channel(%s)", [STOP_TOKEN])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This link has expired"):
        job.execute("select public.confirm_channel(%s)", [TOKEN])


@pytest.mark.parametrize("token", ["", "short", "x" * 44, "<script>", "t" * 42 + "'"])
def test_link_that_is_none_is_explained(browser: httpx.Client, token: str) -> None:
    for answer in (browser.get(PATH, params={"token": token}), browser.post(PATH, data={"token": token})):
        assert (answer.status_code, said(answer)) == (
            404,
            "This link is incomplete. Copy the whole link from the email.",
        )


def test_other_sites_cannot_send_the_form(browser: httpx.Client, job: Job, channel: UUID) -> None:
    answer = browser.post(PATH, data={"token": TOKEN}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert verified_by(job, channel) is None
