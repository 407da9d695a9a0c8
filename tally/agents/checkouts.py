"""Repositories of the folders that agents worked in, as they are on this machine."""

import os
import re
from functools import lru_cache
from pathlib import Path

from tally.agents.json_values import last_folder
from tally.core.repositories import name_repository

ORIGIN = re.compile(r'^\s*\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)\s*$', re.MULTILINE)
MAX_READ = 64 * 1024


@lru_cache(1_000)
def find_repository(folder: str) -> str:
    """Return the repository around a folder: owner/name of its origin, else the name of its own folder.

    A folder that is in no repository, or is no longer there, stands for itself.
    """
    try:
        return _name_checkout(Path(folder)) or last_folder(folder)
    except (OSError, ValueError):  # not to be read, or no path
        return last_folder(folder)


def _name_checkout(folder: Path) -> str:
    if not folder.is_absolute():
        return ""
    for root in (folder, *folder.parents):
        git = root / ".git"
        if git.is_dir():
            return _name(git, root)
        if git.is_file():
            shared = _find_shared(root, git)
            # A worktree beside the repository has its folder, a submodule is a repository of its own.
            return _name(shared, shared.parent if shared.name == ".git" else root)
    return ""


def _find_shared(root: Path, git: Path) -> Path:
    """The folder with the configuration of a checkout whose `.git` is a file that names another place."""
    place = root / _read(git).removeprefix("gitdir:").strip()
    common = place / "commondir"
    # Path.resolve raises RuntimeError where links lead in a circle.
    return Path(os.path.realpath(place / _read(common).strip())) if common.is_file() else place


def _name(git: Path, root: Path) -> str:
    config = git / "config"
    origin = ORIGIN.search(_read(config)) if config.is_file() else None
    return (name_repository(origin[1]) if origin else "") or last_folder(str(root))


def _read(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(MAX_READ)
