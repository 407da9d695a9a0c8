"""Paths of this site, to go on to after signing in."""

import re
from urllib.parse import quote

LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
START = "/"


def local_path(path: str) -> str:
    """The path if it is local to this site, else the start page."""
    return path if len(path) <= 2000 and LOCAL_PATH.fullmatch(path) else START


def with_next(page: str, next_path: str) -> str:
    """The address of a sign-in page that leads on to another one."""
    return page if next_path in ("", START) else f"{page}?next={quote(next_path, safe='')}"
