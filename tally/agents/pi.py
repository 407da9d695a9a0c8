"""Pi, and its fork oh-my-pi: a session for each conversation."""

from collections.abc import Mapping
from pathlib import Path

from tally.agents.events import select_first
from tally.agents.log_files import files_under, folders_from
from tally.agents.pi_sessions import parse_session

name = "pi"
title = "Pi"
by_line = True
parse = parse_session
select_winners = select_first  # a branched session repeats its history


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name PI_AGENT_DIR or the default folders of Pi and oh-my-pi."""
    defaults = (home / root / "agent" / "sessions" for root in (".pi", ".omp"))
    return folders_from(environment, "PI_AGENT_DIR", *defaults)


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions, also those of sub-agents."""
    return files_under(find_folders(home, environment), lambda file: file.endswith(".jsonl"))
