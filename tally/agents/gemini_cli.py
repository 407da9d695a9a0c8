"""Gemini CLI: one JSON document per chat, JSON lines in newer versions."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape, select_last
from tally.agents.json_values import (
    MAX_PATH_LENGTH,
    child,
    has_counts,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
)
from tally.agents.log_files import files_under, folders_from
from tally.catalog.payees import find_payee
from tally.core.encoding import encode_parts

name = "gemini-cli"
title = "Gemini CLI"
by_line = False  # a message may be repeated: its last statement is effective
select_winners = select_last

MARKER = b'"gemini"'
FOLDER_FILE = ".project_root"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name GEMINI_DATA_DIR or the default folder."""
    return folders_from(environment, "GEMINI_DATA_DIR", home / ".gemini" / "tmp")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find chats."""
    folders = find_folders(home, environment)
    chats = [chat for folder in folders for chat in sorted(folder.glob("*/chats"))]
    return files_under(chats, lambda file: file.endswith((".json", ".jsonl")))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the responses of a chat that have token counts."""
    part = ParsedPart()
    session, folder = path.stem, _find_folder(path)
    for record in _records(data, path, part):
        session = read_name(record, "sessionId") or session
        messages = record.get("messages")
        part.read(
            messages if isinstance(messages, list) else [record], partial(_read_message, session=session)
        )
    part.events = [event._replace(folder=folder) for event in part.events]
    return part


def _find_folder(chat: Path) -> str:
    """Return the folder that newer versions name beside their chats; older ones only store its hash."""
    try:
        with (chat.parents[1] / FOLDER_FILE).open(encoding="utf-8") as file:
            return read_folder({"path": file.read(MAX_PATH_LENGTH + 1).strip()}, "path")
    except (OSError, UnicodeError):
        return ""


def _records(data: bytes, path: Path, part: ParsedPart) -> Iterable[dict[str, Any]]:
    lines = [data] if path.suffix == ".json" else data[: data.rfind(b"\n") + 1].split(b"\n")
    for line in lines:
        try:
            if line.strip():
                yield parse_object(line)
        except LineRejected as reason:
            if MARKER in line:
                part.reject(reason)


def _read_message(message: object, session: str) -> Event | None:
    if not isinstance(message, dict) or message.get("type") != "gemini" or "tokens" not in message:
        if isinstance(message, dict) and has_counts(message):
            raise UnknownShape
        return None
    tokens = child(message, "tokens")
    uncached, output, cached, thoughts, tool = (
        read_count(tokens, key) for key in ("input", "output", "cached", "thoughts", "tool")
    )
    # The total shows whether the input includes the cached tokens.
    if read_count(tokens, "total") == uncached + output + thoughts + tool:
        cached = min(cached, uncached)
        uncached -= cached
    model = read_name(message, "model")
    if not model or not uncached + cached + output + thoughts + tool:
        if has_counts(message):
            raise UnknownShape
        return None
    timestamp = read_instant(message.get("timestamp"))
    identity = read_name(message, "id") or encode_parts(timestamp, model, uncached, cached, output, thoughts)
    return Event(
        encode_parts(session, identity),
        timestamp,
        find_payee(model) or "google",
        model,
        uncached + cached + tool,
        output + thoughts,
        cached_input_tokens=cached,
        reasoning_tokens=thoughts,
        session=session,
    )
