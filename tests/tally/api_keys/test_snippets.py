"""The settings of clients: each names the address and the key, in the syntax of its file."""

import ast
import json
import re
import subprocess
import tomllib

import pytest
import yaml  # type: ignore[import-untyped]

from tally.api_keys.key_text import make_key_text
from tally.api_keys.snippet import NO_KEY, Snippet
from tally.api_keys.snippets import SNIPPETS
from tests.every_case import every_case

ORIGIN = "https://tally.example"
EVERY = pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.name)


@EVERY
def test_a_snippet_has_the_address_and_the_key(snippet: Snippet) -> None:
    key = make_key_text()
    filled = snippet.fill(f"{ORIGIN}/", key)
    assert key in filled
    assert f"{ORIGIN}/v1" in filled or f"{ORIGIN}\n" in filled or f'{ORIGIN}"' in filled
    assert not re.search("@[A-Z]+@", filled)
    assert "//v1" not in filled
    assert NO_KEY in snippet.fill(ORIGIN, None)


@EVERY
def test_a_snippet_is_of_its_language(snippet: Snippet) -> None:
    text = snippet.fill(ORIGIN, make_key_text())
    if snippet.language == "json":
        assert json.loads(text)["env"]
    elif snippet.language == "toml":
        assert tomllib.loads(text)["otel"]
    elif snippet.language == "yaml":
        assert yaml.safe_load(text)
    elif snippet.language == "python":
        assert ast.parse(text).body
    elif snippet.language == "bash":
        assert subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode == 0
        assert all(line.count('"') % 2 == 0 for line in text.splitlines())


def test_curl_shows_faults_and_no_progress() -> None:
    commands = [line for each in SNIPPETS for line in each.fill(ORIGIN, None).splitlines() if "curl " in line]
    assert len(commands) == 2
    assert all(line.startswith("curl -sS ") and "--fail-with-body" in line for line in commands)


def test_every_client_has_one_snippet() -> None:
    assert len({snippet.name for snippet in SNIPPETS}) == len({snippet.title for snippet in SNIPPETS})
    assert len(SNIPPETS) == len({snippet.name for snippet in SNIPPETS})
    assert {snippet.name for snippet in SNIPPETS} >= {
        "claude-code", "codex", "gemini-cli", "copilot-cli", "opencode", "otel-sdk", "openinference",
        "openllmetry", "pydantic-ai", "ai-sdk", "litellm-sdk", "litellm-proxy", "langfuse", "langchain",
        "openrouter", "claude-api", "collector", "curl", "curl-otlp",
    }  # fmt: skip


def test_codex_sends_its_logs_as_the_client_reads_it() -> None:
    [codex] = [snippet for snippet in SNIPPETS if snippet.name == "codex"]
    exporter = tomllib.loads(codex.fill(ORIGIN, "tly_x"))["otel"]["exporter"]["otlp-http"]
    assert exporter == {
        "endpoint": f"{ORIGIN}/v1/logs",
        "protocol": "json",
        "headers": {"Authorization": "Bearer tly_x"},
    }


@every_case(
    [
        (ORIGIN, True),
        ("http://tally.example", False),
        ("https://localhost", False),
        ("http://127.0.0.1:8501", False),
    ]
)
def test_services_on_the_internet_need_a_public_address(origin: str, is_reached: bool) -> None:
    obstacles = {snippet.name: snippet.explain_obstacle(origin) for snippet in SNIPPETS}
    told = {name for name, text in obstacles.items() if text}
    assert told == (set() if is_reached else {"openrouter", "claude-api"})
