"""GitHub Copilot CLI: the sessions that it stores, and OpenTelemetry when its file exporter is enabled.

A request may be in the store and in an export; a session's sums are there again when it ends.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tally.agents.copilot_sessions import END, STORE, STORE_FILE, parse_ends, parse_store
from tally.agents.copilot_spans import parse_spans
from tally.agents.events import Event, KnownRequests, ParsedPart, select_first
from tally.agents.log_files import files_under

name = "copilot-cli"
title = "GitHub Copilot CLI"
by_line = False  # a sum is used only if the log has none of its requests

SESSIONS = "session-state"
DELAY = timedelta(minutes=1)  # between the end of a request and its row


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name COPILOT_HOME or the default folder."""
    return [Path(environment.get("COPILOT_HOME") or home / ".copilot")]


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find exports, the store and sessions; the exporter's own file may be elsewhere."""
    export = environment.get("COPILOT_OTEL_FILE_EXPORTER_PATH")
    (root,) = find_folders(home, environment)
    found = files_under([root / "otel"], lambda file: file.endswith(".jsonl"))
    found += [Path(export)] if export and Path(export).is_file() else []
    found += [root / STORE_FILE] if (root / STORE_FILE).is_file() else []
    found += sorted([*(root / SESSIONS).glob("*/events.jsonl"), *(root / SESSIONS).glob("*.jsonl")])
    return list(dict.fromkeys(found))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the requests of a log of any kind."""
    if path.suffix == ".db":
        return parse_store(path)
    return parse_ends(data, path) if SESSIONS in path.parts[-3:-1] else parse_spans(data)


def select_winners(events: Iterable[Event], known: KnownRequests) -> list[Event]:
    """Keep each request once, whichever log tells of it, and sums of sessions without their requests."""
    found = select_first(events, known)
    owners: dict[str, str] = {}
    for event in found:
        for contents in event.aliases[1:]:
            owner = next((request.name for request in known.named(contents)), event.name)
            owners.setdefault(contents, owner)
    requests = [
        event
        for event in found
        if all(_source_of(owners[contents]) == _source_of(event.name) for contents in event.aliases[1:])
    ]
    by_session: dict[str, list[Event]] = defaultdict(list)
    for event in requests:
        for session in event.aliases[:1]:
            by_session[session].append(event)
    return [event for event in requests if not _is_covered(event, by_session, known)]


def _is_covered(sums: Event, by_session: Mapping[str, Sequence[Event]], known: KnownRequests) -> bool:
    """Check whether a finer log has the requests of a session's sums, from its first one on."""
    if len(sums.aliases) != 1:  # of a single request, or without a session
        return False
    (session,) = sums.aliases
    coarseness = _source_of(sums.name)
    finer = (END,) if coarseness == END else (END, "")
    if any(_source_of(request.name) not in finer for request in known.named(session)):
        return True
    return any(
        _source_of(event.name) not in finer and event.timestamp <= sums.timestamp + DELAY
        for event in by_session[session]
    )


def _source_of(request: str) -> str:
    """Return which kind of log a request's name is from; empty for an export."""
    return next((source for source in (STORE, END) if request.startswith(source)), "")
