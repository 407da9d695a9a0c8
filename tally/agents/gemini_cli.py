"""Gemini CLI: chats as one JSON document each, in newer versions as JSON lines."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tally.agents.logs import (
    Event,
    LineRejected,
    Reading,
    child,
    files_under,
    folders_from,
    parse_object,
    read_count,
    read_instant,
    read_name,
    settle_last,
)
from tally.core.records import encode_parts

name = "gemini-cli"
title = "Gemini CLI"
by_line = False  # a message may be told again, and the last word counts
settle = settle_last

MARKER = b'"gemini"'


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Chats below GEMINI_DATA_DIR, or the usual place."""
    folders = folders_from(environment, "GEMINI_DATA_DIR", home / ".gemini" / "tmp")
    chats = [chat for folder in folders for chat in sorted(folder.glob("*/chats"))]
    return files_under(chats, lambda file: file.endswith((".json", ".jsonl")))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> Reading:  # noqa: ARG001 (read as a whole)
    """The answers of a chat that say what they used."""
    reading = Reading()
    session = path.stem
    for record in _records(data, path, reading):
        session = read_name(record, "sessionId") or session
        messages = record.get("messages")
        for message in messages if isinstance(messages, list) else [record]:
            try:
                if event := _read_message(message, session):
                    reading.events.append(event)
            except LineRejected as reason:
                reading.reject(str(reason))
    return reading


def _records(data: bytes, path: Path, reading: Reading) -> Iterable[dict[str, Any]]:
    lines = [data] if path.suffix == ".json" else data[: data.rfind(b"\n") + 1].split(b"\n")
    for line in lines:
        try:
            if line.strip():
                yield parse_object(line)
        except LineRejected as reason:
            if MARKER in line:
                reading.reject(str(reason))


def _read_message(message: object, session: str) -> Event | None:
    if not isinstance(message, dict) or message.get("type") != "gemini" or "tokens" not in message:
        return None
    tokens = child(message, "tokens")
    fresh, output, cached, thoughts, tool = (
        read_count(tokens, key) for key in ("input", "output", "cached", "thoughts", "tool")
    )
    # Whether the cached tokens are among the input shows in the sum.
    if read_count(tokens, "total") == fresh + output + thoughts + tool:
        cached = min(cached, fresh)
        fresh -= cached
    model = read_name(message, "model")
    if not model or not fresh + cached + output + thoughts + tool:
        return None
    timestamp = read_instant(message.get("timestamp"))
    identity = read_name(message, "id") or encode_parts(timestamp, model, fresh, cached, output, thoughts)
    return Event(
        encode_parts(session, identity),
        timestamp,
        "google",
        model,
        fresh + cached + tool,
        output + thoughts,
        cached_input_tokens=cached,
        reasoning_tokens=thoughts,
        session=session,
    )
