"""Qwen Code: chats as JSON lines, with usage in the shape of Gemini."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, ParsedPart, UnknownShape, select_first
from tally.agents.json_values import (
    child,
    has_counts,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
)
from tally.agents.jsonl import lines_with
from tally.agents.log_files import files_under, folders_from
from tally.agents.repositories import read_branch
from tally.catalog.payees import find_payee
from tally.core.encoding import encode_parts

name = "qwen-code"
title = "Qwen Code"
by_line = True
select_winners = select_first  # a resumed chat may repeat its history

MARKER = b'"usageMetadata"'


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name QWEN_DATA_DIR or the default folder."""
    return folders_from(environment, "QWEN_DATA_DIR", home / ".qwen")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find chats."""
    folders = find_folders(home, environment)
    chats = [chat for folder in folders for chat in sorted(folder.glob("projects/*/chats"))]
    return files_under(chats, lambda file: file.endswith(".jsonl"))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - lines are independent
    """Return the requests of this part."""
    part = ParsedPart()
    part.read(lines_with(data, MARKER), lambda line: _read_line(parse_object(line), path))
    return part


def _read_line(record: Mapping[str, Any], path: Path) -> Event | None:
    usage = child(record, "usageMetadata")
    keys = ("promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount", "thoughtsTokenCount")
    input_tokens, output, cached, thoughts = (read_count(usage, key) for key in keys)
    if record.get("type") != "assistant" or not input_tokens + output:
        if has_counts(record):
            raise UnknownShape
        return None
    # As OpenAI counts, output includes thoughts; as Gemini does, the total shows that it does not.
    if read_count(usage, "totalTokenCount") == input_tokens + output + thoughts:
        output += thoughts
    if cached > input_tokens:
        input_tokens += cached
    model = read_name(record, "model")
    session = read_name(record, "sessionId") or path.stem
    timestamp = read_instant(record.get("timestamp"))
    identity = read_name(record, "uuid") or encode_parts(timestamp, model, input_tokens, output, cached)
    return Event(
        encode_parts(session, identity),
        timestamp,
        find_payee(model) or "alibaba",
        model or "unknown",
        input_tokens,
        output,
        cached_input_tokens=cached,
        reasoning_tokens=min(thoughts, output),
        session=session,
        folder=read_folder(record, "cwd"),
        branch=read_branch(record, "gitBranch"),
    )
