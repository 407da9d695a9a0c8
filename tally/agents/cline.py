"""Cline: tasks in the storage of the editor, and sessions of its command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.cline_tasks import find_storage, find_tasks, never_in_input, parse_task
from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape, select_last
from tally.agents.json_values import (
    child,
    has_counts,
    parse_object,
    read_cost,
    read_count,
    read_folder,
    read_name,
    read_time,
)
from tally.agents.log_files import files_under
from tally.agents.payment import load_settings
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

name = "cline"
title = "Cline"
by_line = False  # a request is written again when its answer is there
select_winners = select_last

EXTENSION = "saoudrizwan.claude-dev"
SESSION_SUFFIX = ".messages.json"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name the extension's folders in all editors, and CLINE_DIR or the command line's folder."""
    return [*find_storage(home, EXTENSION), _own_folder(home, environment)]


def _own_folder(home: Path, environment: Mapping[str, str]) -> Path:
    return Path(environment.get("CLINE_DIR") or home / ".cline") / "data"


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find tasks and sessions."""
    sessions = _own_folder(home, environment) / "sessions"
    found = files_under([sessions], lambda file: file.endswith(SESSION_SUFFIX))
    return find_tasks(find_folders(home, environment)) + found


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the requests of a task or a session."""
    if path.name.endswith(SESSION_SUFFIX):
        return _parse_session(data, path)
    return parse_task(data, path, never_in_input)


def _parse_session(data: bytes, path: Path) -> ParsedPart:
    part = ParsedPart()
    about = load_settings(path.with_name(path.name.replace(SESSION_SUFFIX, ".json")))
    told: Mapping[str, Any] = {"id": read_name(about, "model"), "provider": read_name(about, "provider")}
    folder = read_folder(about, "workspace_root") or read_folder(about, "cwd")
    try:
        document = parse_object(data)
        session = read_name(document, "sessionId") or path.name.removesuffix(SESSION_SUFFIX)
        messages = document.get("messages")
        for place, message in enumerate(messages if isinstance(messages, list) else []):
            if not isinstance(message, dict):
                continue
            told = child(message, "modelInfo") or told
            if event := _read_message(message, told, f"{session}:{read_name(message, 'id') or place}"):
                part.events.append(event._replace(session=session, folder=folder))
    except LineRejected as reason:
        part.reject(reason)
    return part


def _read_message(message: Mapping[str, Any], told: Mapping[str, Any], identity: str) -> Event | None:
    """Read a message; its input includes what was cached."""
    metrics = child(message, "metrics")
    keys = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    input_tokens, output, cached, written = (read_count(metrics, key) for key in keys)
    if not input_tokens + output:
        if has_counts(message):
            raise UnknownShape
        return None
    model = read_name(told, "id")
    return Event(
        encode_parts(identity),
        read_time(message.get("ts")),
        find_payee(model, read_name(told, "provider")) or OTHER,
        model or "unknown",
        max(input_tokens, cached + written),
        output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        logged_usd=read_cost(metrics.get("cost")),
    )
