"""Coding agents whose logs Tally reads."""

from collections.abc import Mapping
from pathlib import Path

from tally.agents import (
    amp,
    claude_code,
    claude_cowork,
    cline,
    codex,
    copilot_cli,
    droid,
    gemini_cli,
    goose,
    hermes,
    kilo_code,
    kimi_code,
    openclaw,
    opencode,
    pi,
    qwen_code,
    roo_code,
)
from tally.agents.agent import Agent
from tally.agents.log_files import LogFile, stat_logs
from tally.core.errors import TallyError

AGENTS: tuple[Agent, ...] = (
    claude_code,
    codex,
    gemini_cli,
    opencode,
    copilot_cli,
    claude_cowork,
    cline,
    roo_code,
    kilo_code,
    qwen_code,
    kimi_code,
    pi,
    openclaw,
    goose,
    amp,
    droid,
    hermes,
)


def find_agent(name: str) -> Agent:
    """Return the agent with this name, or raise TallyError with the names to choose from."""
    for agent in AGENTS:
        if agent.name == name:
            return agent
    raise TallyError(f"There is no source {name!r}. Choose from {', '.join(agent.name for agent in AGENTS)}.")


def find_logs(home: Path, environment: Mapping[str, str]) -> dict[str, list[LogFile]]:
    """Find every agent's logs, by agent name."""
    return {agent.name: stat_logs(agent.find_files(home, environment)) for agent in AGENTS}
