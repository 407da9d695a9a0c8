"""Timezones of commands that work without an account."""

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from tally.core.errors import TallyError

Timezone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Timezone for day boundaries (default: this machine's).")
]


def choose_timezone(asked: str | None) -> str:
    """Return the name that was asked for, else this machine's; raises TallyError for an unknown one."""
    name = asked or _find_local()
    if not _is_timezone(name):
        raise TallyError(f"There is no timezone {name!r}. Use a name such as Europe/Berlin.")
    return name


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
