"""The Replay page: a question, what the calls would have cost, and what was assumed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.views.advice.actions import find_replay
from app.views.replay.question import CACHES, CHANGES
from tally.core.records import CostRecord, identity
from tally.pricing.estimate import estimate_record
from tests.app.pages import open_page, read_markdown, save, shown
from tests.app.ui.shown_table import shown_table, tables
from tests.app.views.test_advice import Job
from tests.tally.advice.pieces import every_piece, keep_pieces

OPUS = "claude-opus-4-6"
TO_HAIKU = {"change": "Model", "of": OPUS, "to": "claude-haiku-4-5", "at": "anthropic"}


def call(number: int, **values: Any) -> CostRecord:
    """A call of a million input tokens, which cost $5, some hours ago."""
    usual: dict[str, Any] = {
        "provider": "anthropic",
        "timestamp": datetime.now(UTC) - timedelta(hours=number),
        "model_name": OPUS,
        "cost_usd": None,
        "source_key": identity(number, str(sorted(values))),
        "cost_basis": "estimated",
        "input_tokens": 1_000_000,
        "request_count": 1,
        "metadata": {"price_tier": "short"},
    }
    record = CostRecord(**usual | values)
    return record if record.cost_basis == "billed" else estimate_record(record)


def outcome(page: AppTest) -> str:
    assert not page.exception, page.exception
    return read_markdown(" ".join([shown(page), *(str(warning.value) for warning in page.warning)]))


def test_another_model_is_replayed_at_once_where_a_link_asks(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [call(1), call(2), call(3, model_name="claude-haiku-4-5")])
    page = open_page(monkeypatch, user, "replay", TO_HAIKU | {"run": "1"})
    text = outcome(page)
    assert "you paid $10.00; it would have been $2.00." in text
    assert "the same text is 1 times as many tokens" in text
    table = shown_table(tables(page)[0])
    assert table["model"].tolist() == [f"{OPUS} → claude-haiku-4-5"]
    assert "run" not in page.query_params
    tokens = next(field for field in page.text_input if field.label == "Tokens")
    page = tokens.set_value("1 to 2").run()
    assert "it would have been" not in outcome(page), "another question waits for its button"
    page = page.button(key="start_replay").click().run()
    assert "it would have been $2.00 to $4.00." in outcome(page)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"change": "Batch"}, "you paid $15.00; it would have been $7.50."),
        ({"change": "Cache", "cache": "None"}, "you paid $15.00; it would have been $15.00."),
        ({"change": "Plan", "plan": "ChatGPT Pro, $200 a month"}, "No calls of codex at openai since"),
    ],
)
def test_each_change_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, user: User, asked: dict[str, str], told: str
) -> None:
    save(user, [call(1), call(2), call(3, cost_usd=Decimal(5), cost_basis="billed", metadata={})])
    assert told in outcome(open_page(monkeypatch, user, "replay", asked | {"run": "1"}))


def test_without_calls_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "replay")
    assert "No calls in the last 90 days yet" in outcome(page)
    assert page.button(key="start_replay").disabled


@pytest.mark.parametrize("tokens", ["much", "2 to 1", "-1", "NaN"])
def test_a_range_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, user: User, tokens: str) -> None:
    save(user, [call(1)])
    page = open_page(monkeypatch, user, "replay", TO_HAIKU)
    field = next(field for field in page.text_input if field.label == "Tokens")
    page = field.set_value(tokens).run()
    assert not page.exception
    assert "Tokens is a factor or two" in page.warning[0].value


@pytest.mark.parametrize("model", ["no-such-model", "<b>x</b> ![x](http://localhost/x) :red[y] $1$"])
def test_a_model_without_a_price_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, user: User, model: str
) -> None:
    save(user, [call(1)])
    page = open_page(monkeypatch, user, "replay", {"of": OPUS, "to": model, "run": "1"})
    assert not page.exception
    assert "has no price, so that nothing can be compared" in page.warning[0].value
    assert "![x](" not in page.warning[0].value


def test_advice_leads_to_its_replay(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    keep_pieces(job, user.workspace.workspace_id, every_piece(), datetime.now(UTC).date())
    page = open_page(monkeypatch, user, "advice")
    buttons = [button for button in page.button if str(button.key).startswith("replay-")]
    asked = [found for advice in data.load_advice(user) if (found := find_replay(advice))]
    assert len(buttons) == len(asked) == 6
    assert {one["change"] for one in asked} == {"Model", "Batch", "Cache"} < set(CHANGES)
    assert {one["cache"] for one in asked if "cache" in one} < CACHES.keys()
