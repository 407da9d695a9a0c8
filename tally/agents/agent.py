"""Interface of a coding agent: where its logs are, and how they are read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tally.agents.events import Event, KnownRequests, ParsedPart


class Agent(Protocol):
    """One coding agent, implemented by a module."""

    name: str
    title: str
    by_line: bool  # parts of a log can be parsed alone; otherwise a log is parsed as a whole

    def find_folders(self, home: Path, environment: Mapping[str, str]) -> list[Path]:
        """Name the folders in which it keeps its logs, whether they are there or not."""

    def find_files(self, home: Path, environment: Mapping[str, str]) -> list[Path]:
        """List its log files in a fixed order."""

    def parse(self, data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:
        """Parse whole lines, or the whole log, with the state left by the previous part."""

    def select_winners(self, events: Iterable[Event], known: KnownRequests) -> list[Event]:
        """Select the effective statement of each request, unless a known one remains effective."""
