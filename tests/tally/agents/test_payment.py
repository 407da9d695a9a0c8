"""Payment by plan or API, inferred from the kind of sign-in and never from a secret's value."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tally.agents.payment import WITH_PLAN, find_payment
from tally.agents.registry import AGENTS
from tests.tally.agents.homes import write

CLAUDE = ".claude/.credentials.json"
CODEX = ".codex/auth.json"
GEMINI = ".gemini/settings.json"
CASES: list[tuple[str, str, object, Mapping[str, str], str]] = [
    ("claude-code", CLAUDE, {"claudeAiOauth": {"accessToken": "s", "subscriptionType": "max"}}, {}, "plan"),
    ("claude-code", CLAUDE, {"claudeAiOauth": {"accessToken": "s"}}, {}, "api"),
    (
        "claude-code",
        CLAUDE,
        {"claudeAiOauth": {"accessToken": "s", "subscriptionType": "pro"}},
        {"ANTHROPIC_API_KEY": "sk"},
        "api",
    ),
    ("codex", CODEX, {"OPENAI_API_KEY": None, "tokens": {"access_token": "s"}}, {}, "plan"),
    ("codex", CODEX, {"OPENAI_API_KEY": "sk", "tokens": None}, {}, "api"),
    ("codex", CODEX, {"auth_mode": "chatgpt", "OPENAI_API_KEY": "sk"}, {}, "plan"),
    ("codex", CODEX, {"auth_mode": "apikey", "tokens": {"access_token": "s"}}, {}, "api"),
    ("gemini-cli", GEMINI, {"security": {"auth": {"selectedType": "oauth-personal"}}}, {}, "plan"),
    ("gemini-cli", GEMINI, {"selectedAuthType": "oauth-personal"}, {}, "plan"),
    ("gemini-cli", GEMINI, {"selectedAuthType": "gemini-api-key"}, {}, "api"),
]


@pytest.mark.parametrize(("agent", "file", "found", "environment", "paid_by"), CASES)
def test_payment_follows_from_the_kind_of_sign_in(
    tmp_path: Path, agent: str, file: str, found: object, environment: Mapping[str, str], paid_by: str
) -> None:
    write(tmp_path / file, json.dumps(found).encode())

    assert find_payment(agent, tmp_path, environment).paid_by == paid_by


@pytest.mark.parametrize("damaged", [b"", b"[]", b"\xff", b'{"claudeAiOauth":', b"[" * 100_000, b'"text"'])
def test_unreadable_settings_mean_payment_per_token(tmp_path: Path, damaged: bytes) -> None:
    for file in (CLAUDE, CODEX, GEMINI, ".local/share/opencode/auth.json"):
        write(tmp_path / file, damaged)

    paid_by = {agent.name: find_payment(agent.name, tmp_path, {}).paid_by for agent in AGENTS}
    assert paid_by == {agent.name: "plan" if agent.name in WITH_PLAN else "api" for agent in AGENTS}


def test_opencode_can_have_a_plan_for_some_providers_only(tmp_path: Path) -> None:
    found = {"anthropic": {"type": "oauth", "access": "s"}, "openai": {"type": "api", "key": "s"}}
    write(tmp_path / ".local/share/opencode/auth.json", json.dumps(found).encode())

    payment = find_payment("opencode", tmp_path, {})

    assert [payment.find_payee(vendor) for vendor in ("anthropic", "openai", "github-copilot", "groq")] == [
        "claude-desktop",
        "openai",
        "github-copilot",
        "groq",
    ]
    assert payment.is_plan("github-copilot")
    assert not payment.is_plan("openai")


def test_payment_contains_no_secret(tmp_path: Path) -> None:
    write(tmp_path / CODEX, json.dumps({"OPENAI_API_KEY": "sk-very-secret"}).encode())

    assert "very-secret" not in repr(find_payment("codex", tmp_path, {"OPENAI_API_KEY": "sk-very-secret"}))
