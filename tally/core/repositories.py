"""Names of repositories, without addresses and credentials."""

import re
from functools import lru_cache

from tally.core.text import visible

MAX_NAME_LENGTH = 200
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SUFFIX = re.compile(r"\.git$", re.IGNORECASE)
_NOT_A_NAME = ("", ".", "..", "_git")  # Azure DevOps has `_git` before the repository


@lru_cache(1_000)
def name_repository(address: str) -> str:
    """Return owner/name of a repository's address; of a local path its last part.

    Nothing before the path is kept, nor anything before an `@` in it: an address may contain a token.
    """
    address = re.split(r"[?#]", address, maxsplit=1)[0].strip()
    path = _path_of(address).rpartition("@")[2]
    parts = [part for part in path.split("/") if part not in _NOT_A_NAME]
    kept = parts[-1:] if _is_local(address) else parts[-2:]
    name = _SUFFIX.sub("", "/".join(kept))[:MAX_NAME_LENGTH]
    return visible(name)  # PostgreSQL stores neither NUL nor lone surrogates


def _is_local(address: str) -> bool:
    return bool(
        _DRIVE.match(address)
        or address.lower().startswith("file:")
        or address.startswith(("/", "\\", ".", "~"))
        or not (_SCHEME.match(address) or ":" in address)
    )


def _path_of(address: str) -> str:
    """Return the path of an address, without scheme, user, host and port."""
    if _is_local(address):
        return address.replace("\\", "/")
    if scheme := _SCHEME.match(address):
        return address[scheme.end() :].partition("/")[2]
    host, _, path = address.partition("/")  # ada@host:owner/name, as SSH writes it
    owner = host.rpartition("@")[2].partition(":")[2]
    return f"{owner}/{path}"
