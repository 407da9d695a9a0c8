"""Comparable forms of folders, whichever system wrote them."""

import ntpath
import os
import posixpath
import re
import sys
import unicodedata
from functools import lru_cache
from pathlib import Path

from tally.agents.json_values import MAX_PATH_LENGTH

IGNORES_CASE = sys.platform in ("darwin", "win32")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_LONG_PATH = re.compile(r"\\\\\?\\(UNC\\)?", re.IGNORECASE)  # how Windows writes paths of any length


def normalize(path: str) -> str:
    """Return an absolute path without `..`, doubled or final slashes; empty for any other text.

    Windows paths have slashes and small letters.
    """
    if not path or len(path) > MAX_PATH_LENGTH or "\0" in path:
        return ""
    path = _LONG_PATH.sub(lambda prefix: r"\\" if prefix[1] else "", path, count=1)
    if _DRIVE.match(path) or path.startswith("\\\\"):
        text = ntpath.normpath(path).replace("\\", "/").casefold()
    elif path.startswith("/"):
        text = "/" + posixpath.normpath(path).lstrip("/")
        text = text.casefold() if IGNORES_CASE else text
    else:
        return ""
    return unicodedata.normalize("NFC", text).rstrip("/") or "/"


@lru_cache(10_000)
def resolve(path: str) -> str:
    """Return the normalized path with this machine's symbolic links followed; empty if it is not absolute."""
    if not normalize(path):
        return ""
    try:
        return normalize(os.path.realpath(path) if Path(path).is_absolute() else path)
    except (OSError, ValueError):
        return normalize(path)


def is_within(folder: str, outer: str) -> bool:
    """Return whether a normalized folder is another one, or inside it."""
    return bool(folder) and (folder == outer or folder.startswith(outer.rstrip("/") + "/"))
