"""Settings as text.

`tally status` takes them as they are: loading pydantic would be a third of its work.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from tally.core.errors import TallyError
from tally.core.paths import settings_file, tally_home

FOLDER = "TALLY_FOLDER"  # in stack.env: the folder that it was written for


def load_environment() -> dict[str, str]:
    """The environment wins over `.env`, which wins over the files of `tally up` for its own stack.

    In a copied folder, `stack.env` leads to the database of the original, so it is left out.
    """
    home = tally_home()
    files = [home / "vault.env", settings_file()]
    if _read_file(home / "stack.env").get(FOLDER) == folder_id(home):
        files.insert(0, home / "stack.env")
    return read_environment(*files)


def folder_id(folder: Path) -> str:
    """Device and inode, or nothing for no folder: a copy has others, wherever it is mounted."""
    try:
        found = folder.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def read_environment(*files: Path) -> dict[str, str]:
    """Values by lower-case name, empty ones left out; later files win, the environment over all."""
    sources: list[Mapping[str, str | None]] = [*map(_read_file, files), os.environ]
    return {name.lower(): value for source in sources for name, value in source.items() if value}


def _read_file(file: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(file)
    except UnicodeDecodeError:
        raise TallyError(f"{file} is not text in UTF-8. Restore it from a backup.") from None
