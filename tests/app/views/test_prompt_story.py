"""From two versions of a prompt to a decision: pushed, called, compared, rated, decided, advised."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app import data
from app.auth.identity import User, database_of
from tally.advice.stored import refresh_advice
from tally.local.stack import Stack
from tally.prompts.stored import deploy_prompt, push_prompt
from tests.app.experiments import add_experiment
from tests.app.pages import open_page, read_markdown, save, shown
from tests.app.views.test_advice import plain
from tests.app.views.test_experiments import click, decide, open_experiment, texts
from tests.app.views.test_prompts import calls, register, table
from tests.days import current_day

SESSIONS = 40


def call_versions(user: User) -> None:
    """A session for each call of the two versions, the newer one at half the cost."""
    for version, usd in (("1", "1"), ("2", "0.5")):
        records = calls(SESSIONS, version, usd=usd, days_ago=2)
        save(
            user,
            [
                replace(record, metadata=record.metadata | {"session": f"ticket-{version}{nth}"})
                for nth, record in enumerate(records)
            ],
        )


def test_two_versions_become_a_decision_and_advice(
    monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack, job: psycopg.Connection[Any]
) -> None:
    database = database_of(user)
    for text in ("Answer thirty {{days}}.", "Answer 30 {{days}}."):
        push_prompt(database, "refund", text)
    deploy_prompt(database, "refund", "production", {1: Decimal(50), 2: Decimal(50)})
    call_versions(user)
    register(stack, user)
    variants = [
        {"name": name, "is_baseline": name == "A", "match": {"prompt": "refund", "prompt_version": version}}
        for name, version in (("A", "1"), ("B", "2"))
    ]
    since = (datetime.now(UTC) - timedelta(days=10)).isoformat()
    experiment = add_experiment(user, variants=variants, starts_at=since, margin="0.2")
    page = open_experiment(monkeypatch, user, experiment)  # gathers the sessions
    assert "Early look, no verdict: 40 and 40 runs, 30 a side needed" in texts(page)

    page = click(open_experiment(monkeypatch, user, experiment, part="rate"), "Pass")
    assert "79 to rate." in shown(page)
    found, _ = data.load_experiment(user, experiment)
    for run in found.runs:
        if run.score is None:
            data.rate_run(user, found, run.session, Decimal(1))

    page = open_page(monkeypatch, user, "prompts", {"prompt": "refund"})
    newest, first = table(page)
    assert (newest["calls"], first["calls"]) == ("40", "40")
    said = read_markdown(page.info[0].value)
    assert said.startswith("**v2 costs 50% less per call than v1 (95%: ")
    assert "v2 is as good as v1 (correct ±0.0 points, 95%: −8.8 points to +8.8 points, margin 20" in said  # noqa: RUF001 - a minus sign
    page = decide(monkeypatch, user, experiment, "B")
    assert "B costs 50% less (95%: " in texts(page)
    refresh_advice(job, UUID(user.workspace.workspace_id), current_day())
    data.forget_version(user)
    advice = open_page(monkeypatch, user, "advice")
    assert "Refunds: " in plain(advice)
