"""The coding agents whose logs Tally reads."""

from tally.collectors import claude_code, codex, copilot_cli, gemini_cli, opencode
from tally.collectors.logs import Collector
from tally.problem import Problem

AGENTS: tuple[Collector, ...] = (claude_code, codex, gemini_cli, opencode, copilot_cli)


def find_agent(name: str) -> Collector:
    """The agent with this name, or Problem naming those there are."""
    for agent in AGENTS:
        if agent.name == name:
            return agent
    raise Problem(f"There is no source {name!r}. Choose from {', '.join(agent.name for agent in AGENTS)}.")
