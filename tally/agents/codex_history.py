"""History that forks of Codex repeat: the counts of the session that they come from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tally.agents.codex_counts import Sums, add_count, read_sums
from tally.agents.events import LineRejected
from tally.agents.json_values import child, parse_object, read_name
from tally.agents.jsonl import lines_with, read_parts

FOLDERS = ("sessions", "archived_sessions")
HEAD_BYTES = 65_536  # of a log whose name has no id, to find it in its first line

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class History:
    """The running sums of a session, in order."""

    sums: Sequence[Sums]
    distinct: frozenset[tuple[int, ...]]

    def has(self, reached: Sums) -> bool:
        """Check whether the session reached this sum."""
        return tuple(reached) in self.distinct


def find_parent(meta: Mapping[str, Any]) -> tuple[str, bool]:
    """The id of the session that a session comes from, if any, and whether it goes on with the parent's sums.

    A sub-agent may begin from nothing, although it names its parent.
    """
    spawned = child(child(child(meta, "source"), "subagent"), "thread_spawn")
    forked_from = read_name(meta, "forked_from_id")
    return forked_from or read_name(spawned, "parent_thread_id"), bool(forked_from and not spawned)


def load_history(log: Path, parent: str) -> History | None:
    """The history of the parent of a log's session; None where its log is gone."""
    root = next((folder.parent for folder in log.parents if folder.name in FOLDERS), log.parent)
    found = _index(root).get(parent)
    return _read_history(found) if found and found != log else None


def forget_histories() -> None:
    """Forget what was found: logs come and go between two runs."""
    _index.cache_clear()
    _read_history.cache_clear()


@lru_cache(8)
def _index(root: Path) -> dict[str, Path]:
    """The logs below a folder by the id of their session, which is in their name or in their first line."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.jsonl")):
            named = _ID.findall(path.stem)
            if session := named[-1] if named else _read_id(path):
                found.setdefault(session, path)
    return found


def _read_id(path: Path) -> str:
    try:
        with path.open("rb") as log:
            record = parse_object(log.readline(HEAD_BYTES))
    except (OSError, LineRejected):
        return ""
    return read_name(child(record, "payload"), "id")


@lru_cache(64)
def _read_history(path: Path) -> History:
    sums: list[Sums] = []
    reached = []
    for total, last in _read_counts(path):
        if counted := add_count(sums, total, last):
            reached.append(counted[1])
    return History(reached, frozenset(map(tuple, reached)))


def _read_counts(path: Path) -> Iterator[tuple[Sums | None, Sums | None]]:
    try:
        for _, data in read_parts(path, 0, path.stat().st_size):
            for line in lines_with(data, b'"token_count"'):
                with suppress(LineRejected):
                    info = child(child(parse_object(line), "payload"), "info")
                    yield _read_if_any(info, "total_token_usage"), _read_if_any(info, "last_token_usage")
    except OSError:
        return  # gone since it was found


def _read_if_any(info: Mapping[str, Any], name: str) -> Sums | None:
    usage = info.get(name)
    return read_sums(usage) if isinstance(usage, dict) else None
