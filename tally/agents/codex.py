"""Codex CLI: rollouts as JSON lines, with a count of tokens and their sum so far behind each request."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tally.agents.lines import lines_matching
from tally.agents.logs import (
    Event,
    LineRejected,
    Reading,
    child,
    files_under,
    folders_from,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
    settle_first,
)
from tally.catalog.providers import find_provider
from tally.core.records import encode_parts

name = "codex"
title = "Codex CLI"
by_line = True
settle = settle_first  # a branch repeats the history before it, with its times

KINDS = "token_count", "turn_context", "session_meta", "thread_settings_applied", "turn.completed"
_MARKER = re.compile(rb'"type":\s?"(?:' + "|".join(map(re.escape, KINDS)).encode() + rb')"')
COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
MODEL_UNTOLD = "gpt-5"  # what sessions ran on before they named it
FORK_MARKERS = (b"thread_spawn", b"forked_from_id")
HEAD = 16_384  # bytes in which a session says that it is a fork
# A spawned thread writes its parent's history down at once, with new times; then it waits for an answer.
PAUSE = timedelta(seconds=1)
FAST_TIERS = ("priority", "fast")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Sessions of CODEX_HOME, or of the usual place; an archived one that is active as well is left out."""
    found: dict[tuple[Path, Path], Path] = {}
    for root in folders_from(environment, "CODEX_HOME", home / ".codex"):
        for folder in (root / "sessions", root / "archived_sessions"):
            for path in files_under([folder], lambda file: file.endswith(".jsonl")):
                found.setdefault((root, path.relative_to(folder)), path)
    return list(found.values())


def parse(data: bytes, path: Path, state: dict[str, Any]) -> Reading:  # noqa: ARG001 (it says all of itself)
    """The requests of this part; the state holds the model, the sum so far and where a replay is."""
    if not state:
        state = {"is_fork": any(marker in data[:HEAD] for marker in FORK_MARKERS)}
    reading = Reading(state=state)
    counted: list[Event] = []
    for line in lines_matching(data, _MARKER):
        try:
            event = _parse_line(line, state)
        except LineRejected as reason:
            reading.reject(str(reason))
        else:
            if event is not None:
                counted.append(event)
    reading.events = _without_replay(counted, state)
    return reading


def _parse_line(line: bytes, state: dict[str, Any]) -> Event | None:
    record = parse_object(line)
    payload = child(record, "payload")
    kind = record.get("type")
    if kind == "session_meta":
        state["session"] = read_name(payload, "id")
        state["vendor"] = find_provider(read_name(payload, "model_provider")) or "openai"
        state["project"] = read_folder(payload, "cwd")
    elif kind == "turn_context":
        state["model"] = read_name(payload, "model") or state.get("model", "")
    elif kind == "turn.completed":
        return _read_event(record, record, child(record, "usage"), state)
    elif kind == "event_msg" and payload.get("type") == "thread_settings_applied":
        tier = child(payload, "thread_settings").get("service_tier")
        state["tier"] = state.get("tier") if tier is None else tier
    elif kind == "event_msg" and payload.get("type") == "token_count":
        return _read_token_count(record, payload, state)
    return None


def _read_token_count(
    record: Mapping[str, Any], payload: Mapping[str, Any], state: dict[str, Any]
) -> Event | None:
    info = child(payload, "info")  # null while nothing is known
    total, last = info.get("total_token_usage"), info.get("last_token_usage")
    before = state.get("total")
    if isinstance(total, dict):
        sums = [read_count(total, key) for key in COUNTS]
        state["total"] = sums
        if sums == before:
            return None  # told again, not spent again
        if not isinstance(last, dict):
            last = {
                key: max(0, now - then)
                for key, now, then in zip(COUNTS, sums, before or [0] * 5, strict=True)
            }
    if not isinstance(last, dict):
        return None
    if model := read_name(payload, "model") or read_name(info, "model"):
        state["model"] = model
    return _read_event(record, payload, last, state)


def _read_event(
    record: Mapping[str, Any], payload: Mapping[str, Any], usage: Mapping[str, Any], state: Mapping[str, Any]
) -> Event | None:
    timestamp = read_instant(record.get("timestamp"))
    model = read_name(payload, "model") or state.get("model") or MODEL_UNTOLD
    input_tokens, cached, write, output, reasoning = (read_count(usage, key) for key in COUNTS)
    if not input_tokens and not output:
        return None
    cached = min(cached, input_tokens)
    return Event(
        encode_parts(timestamp, model, input_tokens, cached, output, reasoning, input_tokens + output),
        timestamp,
        state.get("vendor", "openai"),
        model,
        input_tokens,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=min(write, input_tokens - cached),
        reasoning_tokens=min(reasoning, output),
        context=("service_tier", "priority") if state.get("tier") in FAST_TIERS else None,
        session=state.get("session", ""),
        project=state.get("project", ""),
    )


def _without_replay(counted: list[Event], state: dict[str, Any]) -> list[Event]:
    """What a fork spent itself: a history that it wrote down in one go is its parent's."""
    own = []
    for place, event in enumerate(counted):
        if state["is_fork"] and "replayed_until" not in state:
            follower = counted[place + 1] if place + 1 < len(counted) else None
            is_burst = follower is not None and _is_at_once(event.timestamp, follower.timestamp)
            state["replayed_until"] = event.timestamp.isoformat() if is_burst else ""
        elif until := state.get("replayed_until"):
            is_burst = _is_at_once(datetime.fromisoformat(until), event.timestamp)
            state["replayed_until"] = event.timestamp.isoformat() if is_burst else ""
        if not state.get("replayed_until"):
            own.append(event)
    return own


def _is_at_once(earlier: datetime, later: datetime) -> bool:
    return timedelta(0) <= later - earlier < PAUSE
