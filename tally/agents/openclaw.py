"""OpenClaw: sessions of Pi, a folder for each of its agents."""

from collections.abc import Mapping
from pathlib import Path

from tally.agents.events import select_first
from tally.agents.log_files import files_under, folders_from
from tally.agents.pi_sessions import parse_session

name = "openclaw"
title = "OpenClaw"
by_line = True
parse = parse_session
select_winners = select_first  # a session that was reset is kept under another name

FORMER_NAMES = ".openclaw", ".clawdbot", ".moltbot", ".moldbot"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name OPENCLAW_DIR or the default folders, under this and former names of the agent."""
    return folders_from(environment, "OPENCLAW_DIR", *(home / root for root in FORMER_NAMES))


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions, also deleted and reset ones: their requests were made."""
    agents = [folder / "agents" for folder in find_folders(home, environment)]
    return files_under(agents, lambda file: ".jsonl" in file and not file.endswith(".lock"))
