"""Coding agents that Tally knows, and what of each is on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tally.agents.agent import Agent
from tally.agents.registry import AGENTS


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """An agent, the folders of its logs, and how many logs are there."""

    name: str
    title: str
    folders: Sequence[Path]  # those that are there, else the first one that is looked for
    is_found: bool
    files: int

    def to_json(self) -> dict[str, Any]:
        """Return the agent as `tally collect --list --json` prints it."""
        return {
            "source": self.name,
            "title": self.title,
            "folders": [str(folder) for folder in self.folders],
            "found": self.is_found,
            "files": self.files,
        }


def list_agents(
    home: Path, environment: Mapping[str, str], agents: Sequence[Agent] = AGENTS
) -> list[ListedAgent]:
    """List agents with what is there of each."""
    return [_list_agent(agent, home, environment) for agent in agents]


def _list_agent(agent: Agent, home: Path, environment: Mapping[str, str]) -> ListedAgent:
    folders = agent.find_folders(home, environment)
    found = [folder for folder in folders if folder.exists()]
    files = len(agent.find_files(home, environment))
    return ListedAgent(agent.name, agent.title, found or folders[:1], bool(found), files)


def shorten_folders(folders: Sequence[Path]) -> str:
    """Folders as one text, with `~` for the home folder."""
    home = str(Path.home())
    texts = map(str, folders)
    return ", ".join(f"~{text[len(home) :]}" if text.startswith(f"{home}/") else text for text in texts)
