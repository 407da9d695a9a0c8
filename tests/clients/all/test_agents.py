"""Coding agents with the settings of the page Keys: each call is on Tally once."""

import json
from pathlib import Path

from tests.clients.counted import CHAT, GEMINI, MESSAGE, RESPONSE, load_counted
from tests.clients.fake_provider import FakeProvider
from tests.clients.install import modules_of
from tests.clients.machine import Machine
from tests.database_fixtures import Connection

PROMPT = "Say hello"
# A provider beside the snippet, for the real one cannot be reached.
CODEX_PROVIDER = """model = "gpt-5-codex"
model_provider = "here"
approval_policy = "never"
sandbox_mode = "read-only"
check_for_update_on_startup = false
analytics.enabled = false
model_providers.here.name = "here"
model_providers.here.base_url = "PROVIDER/v1"
model_providers.here.env_key = "OPENAI_API_KEY"
model_providers.here.wire_api = "responses"

"""


def test_claude_code(machine: Machine, provider: FakeProvider, database: Connection) -> None:
    machine.write(".claude/settings.json", machine.snippet("claude-code"))
    claude = modules_of("agents") / "@anthropic-ai/claude-code-linux-x64/claude"
    command: list[str | Path] = [claude, "-p", PROMPT, "--model", "claude-sonnet-4-5"]
    machine.run(command, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1")
    assert provider.served == ["messages claude-sonnet-4-5"]
    assert load_counted(database) == [MESSAGE]


def test_codex(machine: Machine, provider: FakeProvider, database: Connection) -> None:
    settings = CODEX_PROVIDER.replace("PROVIDER", machine.provider) + machine.snippet("codex")
    machine.write(".codex/config.toml", settings)
    codex = modules_of("agents") / "@openai/codex/bin/codex.js"
    machine.run(["node", codex, "exec", "--skip-git-repo-check", PROMPT])
    assert provider.served == ["responses gpt-5-codex"]
    assert load_counted(database) == [RESPONSE._replace(model="gpt-5-codex")]


def test_gemini_cli(machine: Machine, provider: FakeProvider, database: Connection) -> None:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
    }
    machine.write(".gemini/settings.json", json.dumps(settings))
    machine.run(
        [
            "node",
            modules_of("agents") / "@google/gemini-cli/bundle/gemini.js",
            "-m",
            "gemini-2.5-pro",
            "-p",
            PROMPT,
        ],
        machine.snippet("gemini-cli"),
        GEMINI_API_KEY="none",
        GOOGLE_GEMINI_BASE_URL=machine.provider,
        GEMINI_CLI_TRUST_WORKSPACE="true",
    )
    assert provider.served == ["gemini gemini-2.5-pro"]
    assert load_counted(database) == [GEMINI]


def test_copilot_cli(machine: Machine, provider: FakeProvider, database: Connection) -> None:
    copilot = modules_of("agents") / "@github/copilot-linux-x64/copilot"
    machine.run(
        [copilot, "--no-auto-update", "-p", PROMPT, "--allow-all-tools"],
        machine.snippet("copilot-cli"),
        COPILOT_PROVIDER_BASE_URL=f"{machine.provider}/v1",
        COPILOT_PROVIDER_TYPE="openai",
        COPILOT_PROVIDER_API_KEY="none",
        COPILOT_MODEL="gpt-4o",
    )
    assert provider.served == ["chat gpt-4o"]
    assert load_counted(database) == [CHAT]


def test_opencode_tells_of_one_of_its_two_calls(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    here = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{machine.provider}/v1", "apiKey": "none"},
        "models": {"gpt-4o": {"name": "gpt-4o"}},
    }
    settings = {
        "experimental": {"openTelemetry": True},
        "provider": {"here": here},
        "autoupdate": False,
        "share": "disabled",
    }
    machine.write("work/opencode.json", json.dumps(settings))
    opencode = modules_of("agents") / "opencode-linux-x64/bin/opencode"
    machine.run(
        [opencode, "run", "--model", "here/gpt-4o", PROMPT],
        machine.snippet("opencode"),
        OPENCODE_DISABLE_AUTOUPDATE="1",
        OPENCODE_DISABLE_MODELS_FETCH="1",
    )
    assert provider.served == ["chat gpt-4o", "chat gpt-4o"]
    assert load_counted(database) == [CHAT]
