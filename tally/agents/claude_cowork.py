"""Claude Desktop's Cowork: sessions of Claude Code, a folder of settings for each task."""

from collections.abc import Mapping
from pathlib import Path

from tally.agents import claude_code
from tally.agents.log_files import files_under, folders_from

name = "claude-cowork"
title = "Claude Cowork"
by_line = True
parse = claude_code.parse
select_winners = claude_code.select_winners

SESSIONS = "local-agent-mode-sessions"
ROOTS = (
    ".config/Claude",
    "Library/Application Support/Claude",
    "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude",
    "AppData/Roaming/Claude",
)


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name COWORK_CONFIG_DIR or the folders of Claude Desktop."""
    return folders_from(environment, "COWORK_CONFIG_DIR", *(home / root / SESSIONS for root in ROOTS))


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions; beside them, Cowork has logs of its own."""
    found = files_under(find_folders(home, environment), lambda file: file.endswith(".jsonl"))
    return [path for path in found if "projects" in path.parts]
