"""Scanning the machine that runs the dashboard."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.auth.identity import User
from tally.accounts.auth_client import AuthClient
from tally.agents.registry import AGENTS
from tests.app.accounts import Account, sign_in_user
from tests.app.coding_agents import own_installation
from tests.app.pages import open_page, shown, spent
from tests.app.ui.shown_table import tables


@pytest.mark.usefixtures("logs")
def test_machine_is_scanned_only_where_the_operator_allows_it(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    own_installation(job, user)
    page = open_page(monkeypatch, user, "sources")
    assert "scan-machine" not in {button.key for button in page.button}

    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    for added, there in ((1, 0), (0, 0)):
        page = open_page(monkeypatch, user, "sources")
        page.button(key="scan-machine").click().run()
        page.session_state.scan_job.wait(60)
        page.run()
        assert not page.exception
        result = page.session_state.scan_job.results[0]
        assert (result.added, result.duplicates, result.rejected) == (added, there, 0)
        assert f"{added} read, {added} added, 0 duplicates, 0 rejected" in shown(page)
    agents, listed = tables(page)[0].value, tables(page)[1].value
    assert listed["estimated"][0] == "$0.30"
    assert spent(user) == Decimal("0.30")
    assert agents.iloc[0].to_dict() == {
        "title": "Claude Code",
        "folders": "~/.claude/projects",
        "found": "Yes",
        "files": 1,
    }
    assert set(agents["title"]) == {agent.title for agent in AGENTS}
    assert set(agents["found"][1:]) == {"No"}


@pytest.mark.usefixtures("logs")
def test_machine_is_scanned_for_its_owner_only(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    new_account: Callable[[], Account],
    upstream: AuthClient,
    job: psycopg.Connection[Any],
) -> None:
    own_installation(job, user)
    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    other = sign_in_user(upstream, new_account())
    offered = [
        "scan-machine" in {button.key for button in open_page(monkeypatch, each, "sources").button}
        for each in (user, other)
    ]
    assert offered == [True, False]


def test_machine_without_logs_lists_the_agents_and_offers_no_scan(
    monkeypatch: pytest.MonkeyPatch, user: User, logs: Path, job: psycopg.Connection[Any]
) -> None:
    own_installation(job, user)
    monkeypatch.setenv("TALLY_SCAN_LOGS", "1")
    monkeypatch.setenv("HOME", str(logs / "elsewhere"))
    page = open_page(monkeypatch, user, "sources")
    assert "scan-machine" not in {button.key for button in page.button}
    assert "This machine has no logs of coding agents." in shown(page)
    assert set(tables(page)[0].value["found"]) == {"No"}
