"""What "Jump to…" finds is of the caller's workspaces, with the addresses that open it."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from app.ui.pages import PATHS
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in, sign_in_user
from tests.app.app_server import AppServer
from tests.app.pages import save, usage
from tests.app.teams import new_team


def ask(browser: httpx.Client, workspace: str = "", q: str = "", kind: str = "") -> httpx.Response:
    """The answer to a page's script."""
    params = {"workspace": workspace, "q": q, "kind": kind}
    return browser.get("/jump", params=params, headers={"accept": "*/*"})


def find(browser: httpx.Client, q: str, kind: str = "", workspace: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(browser, workspace, q, kind).json()["hits"]
    return found


def names(hits: list[dict[str, Any]], kind: str) -> list[str]:
    return [hit["name"] for hit in hits if hit["kind"] == kind]


def test_what_is_found_is_of_the_workspace_that_is_asked_for(
    browser: httpx.Client, account: Account, upstream: AuthClient, job: psycopg.Connection[Any]
) -> None:
    user = sign_in_user(upstream, account)
    team = new_team(job, user)
    save(user, [usage(1, "5", model_name="mine", metadata={"session": "s-1"})])
    save(team, [usage(1, "5", model_name="ours")])
    sign_in(browser, account)
    own = ask(browser).json()
    assert names(own["hits"], "model") == ["mine"]
    assert names(own["hits"], "session") == ["s-1"]
    assert own["user"] == user.user_id
    assert ask(browser, user.user_id.upper()).json() == own
    answer = ask(browser, team.workspace.workspace_id)
    assert names(answer.json()["hits"], "model") == ["ours"]
    assert answer.headers["cache-control"] == "no-store"
    assert ["Members", "People", "people roles remove users admins team"] in answer.json()["settings"]
    assert "People" not in [section for _, section, _ in own["settings"]]


def test_texts_find_places_on_pages_that_there_are(
    browser: httpx.Client, account: Account, upstream: AuthClient
) -> None:
    user = sign_in_user(upstream, account)
    sessions = [usage(1, "5", metadata={"session": f"run {nth}", "note": "paid"}) for nth in range(9)]
    save(user, [usage(1, "5", model_name="claude-opus-4-5"), *sessions])
    sign_in(browser, account)
    [model] = find(browser, "Opús", "model")
    assert (model["path"], model["parameters"]) == ("/explore", {"where": "model:claude-opus-4-5"})
    [record] = find(browser, "paid", "record")
    assert (record["path"], record["parameters"]) == ("/records", {"search": "paid"})
    assert len(names(find(browser, "run"), "session")) == 6  # one more than is shown
    assert len(names(find(browser, "run", "session"), "session")) == 9
    for text in ("", "run", "x" * 300, "\0", "%00", "' or 1=1", "日本", "no such kind"):
        answer = ask(browser, "", text, text)
        assert answer.status_code == 200, text
        assert {hit["path"] for hit in answer.json()["hits"]} <= PATHS, text


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
