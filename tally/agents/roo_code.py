"""Roo Code: tasks in the storage of the editor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.cline_tasks import find_storage, find_tasks, in_input_of_roo, parse_task
from tally.agents.events import ParsedPart, select_last

name = "roo-code"
title = "Roo Code"
by_line = False  # a request is written again when its answer is there
select_winners = select_last

EXTENSION = "rooveterinaryinc.roo-cline"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:  # noqa: ARG001 - part of the interface
    """Name the extension's folders in all editors."""
    return find_storage(home, EXTENSION)


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find tasks."""
    return find_tasks(find_folders(home, environment))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the requests of a task."""
    return parse_task(data, path, in_input_of_roo)
