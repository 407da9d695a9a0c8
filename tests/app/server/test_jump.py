"""The names behind "Jump to…" are those of the caller's workspaces."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in, sign_in_user
from tests.app.app_server import AppServer
from tests.app.pages import save, usage
from tests.app.teams import new_team


def ask(browser: httpx.Client, workspace: str = "") -> httpx.Response:
    """The answer to a page's script."""
    return browser.get("/jump", params={"workspace": workspace}, headers={"accept": "*/*"})


def test_names_are_those_of_the_workspace_that_is_asked_for(
    browser: httpx.Client, account: Account, upstream: AuthClient, job: psycopg.Connection[Any]
) -> None:
    user = sign_in_user(upstream, account)
    team = new_team(job, user)
    save(user, [usage(1, "5", model_name="mine", metadata={"session": "s-1"})])
    save(team, [usage(1, "5", model_name="ours")])
    sign_in(browser, account)
    own = ask(browser).json()
    assert own["models"] == ["mine"]
    assert [each["session"] for each in own["sessions"]] == ["s-1"]
    assert ask(browser, user.user_id.upper()).json() == own
    answer = ask(browser, team.workspace.workspace_id)
    assert answer.json()["models"] == ["ours"]
    assert answer.headers["cache-control"] == "no-store"


def test_others_workspaces_are_refused(
    signed_in: httpx.Client,
    new_account: Callable[[], Account],
    upstream: AuthClient,
    job: psycopg.Connection[Any],
) -> None:
    theirs = new_team(job, sign_in_user(upstream, new_account()))
    for wanted in (theirs.workspace.workspace_id, theirs.user_id, "no id"):
        answer = ask(signed_in, wanted)
        assert answer.status_code == 403
        assert answer.json() == {"problem": "You can't open that workspace. Choose another one."}


def test_nobody_else_is_answered(server: AppServer) -> None:
    assert httpx.get(f"{server.url}/jump").status_code == 401
