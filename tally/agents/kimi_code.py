"""Kimi Code and the Kimi CLI before it: the messages between its parts as JSON lines."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, ParsedPart, UnknownShape, select_first
from tally.agents.json_values import child, has_counts, parse_object, read_count, read_name, read_time
from tally.agents.jsonl import lines_matching
from tally.agents.log_files import files_under, folders_from
from tally.agents.payment import load_settings
from tally.catalog.payees import find_payee
from tally.core.encoding import encode_parts

name = "kimi-code"
title = "Kimi Code"
by_line = True
select_winners = select_first

LOG = "wire.jsonl"
DEFAULT_MODEL = "kimi-for-coding"  # for logs of versions that do not record the model
_MARKER = rb'"(?:token_usage|usage\.record)"'
COUNTS = ("input_other", "output", "input_cache_read", "input_cache_creation")
NEW_COUNTS = ("inputOther", "output", "inputCacheRead", "inputCacheCreation")


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name KIMI_DATA_DIR or the default folders of this and the former program."""
    return folders_from(environment, "KIMI_DATA_DIR", home / ".kimi-code", home / ".kimi")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find the logs of sessions and of their agents."""
    return files_under(
        [folder / "sessions" for folder in find_folders(home, environment)], lambda file: file == LOG
    )


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:
    """Return the requests of this part; the state holds the configured model."""
    part = ParsedPart(state=state)
    if "model" not in state:
        state["model"] = _read_model(path)
    lines = lines_matching(data, re.compile(_MARKER))
    part.read(lines, lambda line: _read_line(parse_object(line), path, state["model"]))
    return part


def _read_model(log: Path) -> str:
    root = next((folder.parent for folder in log.parents if folder.name == "sessions"), log.parent)
    return read_name(load_settings(root / "config.json"), "model") or DEFAULT_MODEL


def _read_line(record: Mapping[str, Any], path: Path, model: str) -> Event | None:
    payload = child(child(record, "message"), "payload")
    if record.get("type") == "usage.record":
        if record.get("usageScope") != "turn":  # the sum of the session so far
            return None
        counts, time = [read_count(child(record, "usage"), key) for key in NEW_COUNTS], record.get("time")
        model = read_name(record, "model").removeprefix("kimi-code/") or model
    elif isinstance(payload.get("token_usage"), dict):
        counts, time = (
            [read_count(child(payload, "token_usage"), key) for key in COUNTS],
            record.get("timestamp"),
        )
    elif has_counts(record):
        raise UnknownShape
    else:
        return None
    uncached, output, cached, written = counts
    if not sum(counts):
        return None
    # Of `sessions/<project>/<session>`, and in newer versions `agents/<agent>` below.
    session = path.parents[2].name if path.parents[1].name == "agents" else path.parent.name
    timestamp = read_time(time)
    identity = read_name(payload, "message_id") or encode_parts(timestamp, model, *counts)
    return Event(
        encode_parts(session, path.parent.name, identity),
        timestamp,
        find_payee(model) or "moonshot",
        model,
        uncached + cached + written,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        session=session,
    )
