"""Tasks of Cline and of the editors' extensions that are forks of it: a JSON document for each task."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape
from tally.agents.json_values import (
    child,
    has_counts,
    parse_list,
    parse_object,
    read_cost,
    read_count,
    read_folder,
    read_name,
    read_time,
)
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

EDITORS = "Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"
SETTINGS = ".config", "Library/Application Support", "AppData/Roaming"  # Linux, macOS, Windows
SERVERS = ".vscode-server", ".vscode-server-insiders", ".cursor-server"
TASK_FILE = "ui_messages.json"
HISTORY_FILE = "api_conversation_history.json"
MAX_HISTORY_BYTES = 256_000_000
# Roo Code 3.29.5, and from then on Kilo Code, count what was cached as part of the input.
CACHE_IN_INPUT = datetime(2025, 11, 1, tzinfo=UTC)
_MODEL = rb"<model>([^<>\\\"]{1,200})</model>"
_FOLDER = rb"Current W(?:orkspace|orking) Directory \(([^()\\\"]{1,4000})\)"

IsCacheInInput = Callable[[datetime, Mapping[str, Any]], bool]


def find_storage(home: Path, extension: str) -> list[Path]:
    """Name the folders in which editors keep an extension's data."""
    users = [home / settings / editor / "User" for settings in SETTINGS for editor in EDITORS]
    users += [home / server / "data" / "User" for server in SERVERS]
    return [user / "globalStorage" / extension for user in users]


def find_tasks(folders: Iterable[Path]) -> list[Path]:
    """Find the tasks in these folders."""
    return [path for folder in folders for path in sorted(folder.glob(f"tasks/*/{TASK_FILE}"))]


def never_in_input(at: datetime, request: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as the others
    """Cline counts what was cached beside the input."""
    return False


def in_input_of_roo(at: datetime, request: Mapping[str, Any]) -> bool:
    """Check whether Roo Code's input includes the cache: since a version, before only where OpenAI's did."""
    return at >= CACHE_IN_INPUT or request.get("apiProtocol") == "openai"


def parse_task(data: bytes, path: Path, is_cache_in_input: IsCacheInInput) -> ParsedPart:
    """Return the requests of a task."""
    part = ParsedPart()
    try:
        messages = parse_list(data)
    except LineRejected as reason:
        part.reject(reason)
        return part
    model, folder = _read_history(path.with_name(HISTORY_FILE))
    task = path.parent.name
    part.read(messages, lambda message: _read_message(message, task, model, is_cache_in_input))
    part.events = [event._replace(folder=folder) for event in part.events]
    return part


def _read_message(message: object, task: str, model: str, is_cache_in_input: IsCacheInInput) -> Event | None:
    if not isinstance(message, dict):
        return None
    if message.get("say") not in ("api_req_started", "deleted_api_reqs", "subagent_usage"):
        if has_counts(message):
            raise UnknownShape
        return None
    text = message.get("text")
    request = parse_object(text.encode()) if isinstance(text, str) and text else {}
    uncached, output, cached, written = (
        read_count(request, key) for key in ("tokensIn", "tokensOut", "cacheReads", "cacheWrites")
    )
    if not uncached + output + cached + written:
        if has_counts(request):
            raise UnknownShape
        return None
    timestamp = read_time(message.get("ts"))
    if cached + written <= uncached and is_cache_in_input(timestamp, request):
        uncached -= cached + written
    told = child(message, "modelInfo")
    model = read_name(told, "modelId") or model
    return Event(
        encode_parts(task, timestamp, read_name(message, "say")),
        timestamp,
        find_payee(model, read_name(told, "providerId")) or OTHER,
        model or "unknown",
        uncached + cached + written,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        session=task,
        logged_usd=read_cost(request.get("cost")),
    )


def _read_history(path: Path) -> tuple[str, str]:
    """Read the task's last model and its folder from what the model was told about its surroundings."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_HISTORY_BYTES else b""
    except OSError:
        return "", ""
    models, folder = re.findall(_MODEL, data), re.search(_FOLDER, data)
    texts = {
        "model": models[-1].decode(errors="replace").strip() if models else "",
        "folder": folder[1].decode(errors="replace") if folder else "",
    }
    return read_name(texts, "model"), read_folder(texts, "folder")
