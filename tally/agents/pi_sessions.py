"""Sessions of Pi as JSON lines, and those of agents that are built on it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, ParsedPart, UnknownShape
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
from tally.agents.jsonl import lines_matching
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

_MARKER = rb'"(?:usage|model_change|model-snapshot)"|"type"\s{0,2}:\s{0,2}"session"'


def parse_session(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:
    """Return the requests of this part; the state holds the session, its folder and model."""
    part = ParsedPart(state=state)
    state.setdefault("session", path.name.partition(".jsonl")[0])
    lines = lines_matching(data, re.compile(_MARKER))
    part.read(lines, lambda line: _read_line(parse_object(line), state))
    return part


def _read_line(record: Mapping[str, Any], state: dict[str, Any]) -> Event | None:
    message = child(record, "message")
    kind = read_name(record, "type")
    if kind == "session":
        state["session"] = read_name(record, "id") or state["session"]
        state["folder"] = read_folder(record, "cwd")
    elif kind == "model_change" or record.get("customType") == "model-snapshot":
        source = child(record, "data") or record
        state["model"] = read_name(source, "modelId") or read_name(source, "model") or state.get("model", "")
        state["provider"] = read_name(source, "provider")
    elif message.get("role") == "assistant" and isinstance(message.get("usage"), dict):
        return _read_message(record, message, state)
    elif has_counts(record):
        raise UnknownShape
    return None


def _read_message(
    record: Mapping[str, Any], message: Mapping[str, Any], state: Mapping[str, Any]
) -> Event | None:
    usage = child(message, "usage")
    uncached, output, cached, written = (
        read_count(usage, key) for key in ("input", "output", "cacheRead", "cacheWrite")
    )
    if not uncached + output + cached + written:
        if has_counts(message):
            raise UnknownShape
        return None
    model = read_name(message, "model") or read_name(message, "modelId") or state.get("model", "")
    provider = read_name(message, "provider") or state.get("provider", "")
    timestamp = read_time(message.get("timestamp") or record.get("timestamp"))
    # A branched session repeats its history: the entries keep their times.
    identity = (read_name(message, "responseId"), timestamp, model, uncached, output, cached, written)
    return Event(
        encode_parts(*identity),
        timestamp,
        find_payee(model, provider) or OTHER,
        model or "unknown",
        uncached + cached + written,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        session=state.get("session", ""),
        folder=state.get("folder", ""),
        logged_usd=read_cost(child(usage, "cost").get("total")),
    )
