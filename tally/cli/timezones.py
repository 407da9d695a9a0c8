"""Time zones of commands that work without an account."""

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from tally.core.errors import TallyError

Timezone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Time zone for day boundaries (default: this machine's).")
]
UTC_ALIASES = {"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"}


def choose_timezone(asked: str | None) -> str:
    """The name that was asked for, else this machine's; raises TallyError for an unknown one."""
    name = asked or _find_local()
    if not _is_timezone(name):
        raise TallyError(f"There is no time zone {name!r}. Use a name such as Europe/Berlin.")
    return "UTC" if name in UTC_ALIASES else name  # as Settings calls it


def _find_local() -> str:
    """TZ, else the target of /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return name if name and _is_timezone(name) else "UTC"


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
