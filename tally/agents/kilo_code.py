"""Kilo Code: tasks as Roo Code writes them, and the database of its command line, a fork of opencode."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents import opencode
from tally.agents.cline_tasks import find_storage, find_tasks, in_input_of_roo, parse_task
from tally.agents.events import ParsedPart, select_originals
from tally.agents.log_files import folders_from

name = "kilo-code"
title = "Kilo Code"
by_line = False  # a request is written again when its answer is there
select_winners = select_originals

EXTENSION = "kilocode.kilo-code"
DATABASE = "kilo.db"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name the extension's folders in all editors, and KILO_DATA_DIR or the command line's folder."""
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return find_storage(home, EXTENSION) + folders_from(environment, "KILO_DATA_DIR", data / "kilo")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find tasks and the database."""
    folders = find_folders(home, environment)
    return find_tasks(folders) + [folder / DATABASE for folder in folders if (folder / DATABASE).is_file()]


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:
    """Return the requests of a task or of the database."""
    if path.suffix == ".db":
        return opencode.parse(data, path, state)
    return parse_task(data, path, in_input_of_roo)
