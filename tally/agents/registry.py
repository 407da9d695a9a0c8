"""Coding agents whose logs Tally reads."""

from tally.agents import claude_code, codex, copilot_cli, gemini_cli, opencode
from tally.agents.agent import Agent
from tally.core.errors import TallyError

AGENTS: tuple[Agent, ...] = (claude_code, codex, gemini_cli, opencode, copilot_cli)


def find_agent(name: str) -> Agent:
    """Return the agent with this name, or raise TallyError with the names to choose from."""
    for agent in AGENTS:
        if agent.name == name:
            return agent
    raise TallyError(f"There is no source {name!r}. Choose from {', '.join(agent.name for agent in AGENTS)}.")
