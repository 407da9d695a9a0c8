"""The coding agents whose logs Tally reads."""

from tally.agents import claude_code, codex, copilot_cli, gemini_cli, opencode
from tally.agents.logs import Collector
from tally.core.errors import TallyError

AGENTS: tuple[Collector, ...] = (claude_code, codex, gemini_cli, opencode, copilot_cli)


def find_agent(name: str) -> Collector:
    """The agent with this name, or TallyError naming those there are."""
    for agent in AGENTS:
        if agent.name == name:
            return agent
    raise TallyError(f"There is no source {name!r}. Choose from {', '.join(agent.name for agent in AGENTS)}.")
