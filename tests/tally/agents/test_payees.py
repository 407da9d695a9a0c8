"""The provider of a logged request follows its evidence, and a plan covers only what it can."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event
from tally.agents.payment import choose_payment
from tally.agents.prices import price_event
from tally.agents.records import make_record
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, collected, write_claude, write_codex
from tests.tally.agents.test_other_agents import opencode_message, write_opencode

TOKENS = 100_000
USAGE = {"input_tokens": TOKENS, "output_tokens": 0}
COUNT = {"total_token_usage": codex_usage(TOKENS, 0), "last_token_usage": codex_usage(TOKENS, 0)}


def claude_event(home: Path, **row: Any) -> Event:
    """The event of one line of Claude Code with 100,000 input tokens."""
    write_claude(home, claude_row(**{"usage": USAGE} | row))
    (event,) = collected(home, "claude-code")
    return event


@pytest.mark.parametrize(
    ("row", "vendor", "usd"),
    [
        ({}, "anthropic", "0.3"),
        ({"message": "msg_vrtx_01", "request": "req_vrtx_01"}, "google", "0.3"),
        ({"message": "msg_01", "request": "req_vrtx_01"}, "google", "0.3"),
        ({"message": "msg_bdrk_01"}, "aws-bedrock", "0.33"),
        ({"model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}, "aws-bedrock", "0.33"),
        ({"model": "global.anthropic.claude-sonnet-4-5-20250929-v1:0"}, "aws-bedrock", "0.3"),
        ({"model": "claude-sonnet-4-5@20250929"}, "google", "0.3"),
        ({"model": "glm-5.1"}, "zai", "0.14"),
        ({"model": "kimi-k3"}, "moonshot", "0.3"),
        ({"model": "gpt-oss:20b"}, "local", "0"),
        ({"model": "a-model-of-a-proxy"}, "other", None),
    ],
)
def test_claude_code_pays_who_answered(
    tmp_path: Path, row: dict[str, Any], vendor: str, usd: str | None
) -> None:
    event = claude_event(tmp_path, **row)

    assert event.vendor == vendor
    assert price_event(event).cost_usd == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("row", "paid_to", "basis"),
    [
        ({}, "claude-desktop", "included"),
        ({"message": "msg_vrtx_01"}, "google", "estimated"),
        ({"message": "msg_bdrk_01"}, "aws-bedrock", "estimated"),
        ({"model": "gpt-5.5"}, "openai", "estimated"),
        ({"model": "gemini-3.5-flash"}, "google", "estimated"),
        ({"model": "glm-5.1"}, "zai", "estimated"),
        ({"model": "qwen3:8b"}, "local", "estimated"),
    ],
)
def test_claude_plan_covers_anthropics_own_answers_only(
    tmp_path: Path, row: dict[str, Any], paid_to: str, basis: str
) -> None:
    record = make_record("claude-code", claude_event(tmp_path, **row), choose_payment("claude-code", "plan"))

    assert (record.provider, record.cost_basis) == (paid_to, basis)


@pytest.mark.parametrize(
    ("place", "usd"),
    [("us", "0.55"), ("US", "0.55"), ("global", "0.5"), ("not_available", "0.5"), ("", "0.5"), (None, "0.5")],
)
def test_place_of_processing_is_part_of_the_price(tmp_path: Path, place: str | None, usd: str) -> None:
    usage = USAGE | {"inference_geo": place}

    event = claude_event(tmp_path, model="claude-opus-4-8", usage=usage)

    assert price_event(event).cost_usd == Decimal(usd)
    record = make_record("claude-code", event, choose_payment("claude-code", "api"))
    assert record.cost_usd == Decimal(usd)
    assert (record.metadata.get("price_context") == {"inference_geo": place}) is (usd == "0.55")


def test_fast_answer_within_the_us_costs_both(tmp_path: Path) -> None:
    usage = USAGE | {"inference_geo": "us", "speed": "fast"}

    event = claude_event(tmp_path, model="claude-opus-4-8", usage=usage)

    assert price_event(event).cost_usd == Decimal("1.1")


@pytest.mark.parametrize(
    ("named", "model", "vendor", "usd"),
    [
        ("openai", "gpt-5.5", "openai", "0.5"),
        ("azure", "gpt-5.5", "azure", "0.5"),
        ("my-proxy", "gpt-5.5", "openai", "0.5"),
        ("ollama", "gpt-oss:20b", "local", "0"),
        ("oss", "gpt-oss-20b", "local", "0"),
        ("lmstudio", "openai/gpt-oss-20b", "local", "0"),
        ("openai", "gpt-oss:20b", "local", "0"),
        ("my-proxy", "glm-5.1", "zai", "0.14"),
        ("my-proxy", "a-model-of-a-proxy", "other", None),
    ],
)
def test_codex_pays_the_provider_of_its_settings(
    tmp_path: Path, named: str, model: str, vendor: str, usd: str | None
) -> None:
    write_codex(tmp_path, codex_rows(COUNT, model=model, model_provider=named))

    (event,) = collected(tmp_path, "codex")

    assert event.vendor == vendor
    assert price_event(event).cost_usd == (None if usd is None else Decimal(usd))
    record = make_record("codex", event, choose_payment("codex", "plan"))
    assert record.cost_basis == ("included" if vendor == "openai" else "estimated")


@pytest.mark.parametrize(
    ("provider", "model", "vendor", "usd"),
    [
        ("lmstudio", "qwen/qwen3-coder-30b", "local", "0"),
        ("ollama", "gpt-oss:20b", "local", "0"),
        ("llama.cpp", "anything", "local", "0"),
        ("zai-coding-plan", "glm-5.1", "zai", "0.14"),
        ("google-vertex-anthropic", "claude-sonnet-4-5@20250929", "google", "0.3"),
        ("amazon-bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock", "0.33"),
        ("opencode", "claude-sonnet-4-5", "other", "0.3"),
    ],
)
def test_opencode_pays_the_provider_of_the_message(
    tmp_path: Path, provider: str, model: str, vendor: str, usd: str
) -> None:
    write_opencode(tmp_path, opencode_message(providerID=provider, modelID=model, tokens={"input": TOKENS}))

    (event,) = collected(tmp_path, "opencode")

    assert event.vendor == vendor
    assert price_event(event).cost_usd == Decimal(usd)
