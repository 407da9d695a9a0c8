"""Codex CLI: sessions as JSON lines; each request is followed by its token count and the running total."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tally.agents.events import Event, LineRejected, ParsedPart, select_first
from tally.agents.json_values import (
    child,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
)
from tally.agents.jsonl import lines_matching
from tally.agents.log_files import files_under, folders_from
from tally.agents.repositories import read_branch, read_repository
from tally.catalog.providers import find_provider
from tally.core.encoding import encode_parts

name = "codex"
title = "Codex CLI"
by_line = True
select_winners = select_first  # a branched session repeats its history with the original times

KINDS = "token_count", "turn_context", "session_meta", "thread_settings_applied", "turn.completed"
_MARKER = re.compile(rb'"type":\s?"(?:' + "|".join(map(re.escape, KINDS)).encode() + rb')"')
COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
DEFAULT_MODEL = "gpt-5"  # for sessions logged before Codex recorded the model
FORK_MARKERS = (b"thread_spawn", b"forked_from_id")
HEAD_BYTES = 16_384  # the start of a log, which tells whether the session is a fork
# A fork first writes its parent's history in one burst with new times; real requests are further apart.
BURST_GAP = timedelta(seconds=1)
FAST_TIERS = ("priority", "fast")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions in CODEX_HOME or the default folder; one that is also archived is read once."""
    found: dict[tuple[Path, Path], Path] = {}
    for root in folders_from(environment, "CODEX_HOME", home / ".codex"):
        for folder in (root / "sessions", root / "archived_sessions"):
            for path in files_under([folder], lambda file: file.endswith(".jsonl")):
                found.setdefault((root, path.relative_to(folder)), path)
    return list(found.values())


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the requests of this part; the state holds the model, the running total and any replay."""
    if not state:
        state = {"is_fork": any(marker in data[:HEAD_BYTES] for marker in FORK_MARKERS)}
    part = ParsedPart(state=state)
    counted: list[Event] = []
    for line in lines_matching(data, _MARKER):
        try:
            event = _parse_line(line, state)
        except LineRejected as reason:
            part.reject(str(reason))
        else:
            if event is not None:
                counted.append(event)
    part.events = _without_replay(counted, state)
    return part


def _parse_line(line: bytes, state: dict[str, Any]) -> Event | None:
    record = parse_object(line)
    payload = child(record, "payload")
    kind = record.get("type")
    if kind == "event_msg":
        return _parse_event_message(record, payload, state)
    if kind == "turn.completed":
        return _read_event(record, record, child(record, "usage"), state)
    if kind == "session_meta":
        state["session"] = read_name(payload, "id")
        state["vendor"] = find_provider(read_name(payload, "model_provider")) or "openai"
        state["folder"] = read_folder(payload, "cwd")
        git = child(payload, "git")
        state["branch"], state["repository"] = (
            read_branch(git, "branch"),
            read_repository(git, "repository_url"),
        )
    elif kind == "turn_context":
        state["model"] = read_name(payload, "model") or state.get("model", "")
        state["folder"] = read_folder(payload, "cwd") or state.get("folder", "")
    return None


def _parse_event_message(
    record: Mapping[str, Any], payload: Mapping[str, Any], state: dict[str, Any]
) -> Event | None:
    kind = payload.get("type")
    if kind == "token_count":
        return _read_token_count(record, payload, state)
    if kind == "thread_settings_applied":
        tier = child(payload, "thread_settings").get("service_tier")
        state["tier"] = state.get("tier") if tier is None else tier
    return None


def _read_token_count(
    record: Mapping[str, Any], payload: Mapping[str, Any], state: dict[str, Any]
) -> Event | None:
    info = child(payload, "info")  # null before the first response
    usage = _usage_since_last_count(info, state)
    if usage is None:
        return None
    if model := read_name(payload, "model") or read_name(info, "model"):
        state["model"] = model
    return _read_event(record, payload, usage, state)


def _usage_since_last_count(info: Mapping[str, Any], state: dict[str, Any]) -> Mapping[str, Any] | None:
    """Return the usage of the last request, else the increase of the total; None when nothing was added."""
    total, last = info.get("total_token_usage"), info.get("last_token_usage")
    if isinstance(total, dict):
        before = state.get("total")
        sums = [read_count(total, key) for key in COUNTS]
        state["total"] = sums
        if sums == before:
            return None  # the same count repeated
        if not isinstance(last, dict):
            growth = zip(COUNTS, sums, before or [0] * len(COUNTS), strict=True)
            return {key: max(0, now - then) for key, now, then in growth}
    return last if isinstance(last, dict) else None


def _read_event(
    record: Mapping[str, Any], payload: Mapping[str, Any], usage: Mapping[str, Any], state: Mapping[str, Any]
) -> Event | None:
    timestamp = read_instant(record.get("timestamp"))
    model = read_name(payload, "model") or state.get("model") or DEFAULT_MODEL
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
        folder=state.get("folder", ""),
        branch=state.get("branch", ""),
        repository=state.get("repository", ""),
    )


def _without_replay(counted: list[Event], state: dict[str, Any]) -> list[Event]:
    """Leave out the parent's history that a fork wrote in one burst at its start."""
    own = []
    for place, event in enumerate(counted):
        if state["is_fork"] and "replayed_until" not in state:
            follower = counted[place + 1] if place + 1 < len(counted) else None
            is_burst = follower is not None and _is_burst(event.timestamp, follower.timestamp)
            state["replayed_until"] = event.timestamp.isoformat() if is_burst else ""
        elif until := state.get("replayed_until"):
            is_burst = _is_burst(datetime.fromisoformat(until), event.timestamp)
            state["replayed_until"] = event.timestamp.isoformat() if is_burst else ""
        if not state.get("replayed_until"):
            own.append(event)
    return own


def _is_burst(earlier: datetime, later: datetime) -> bool:
    return timedelta(0) <= later - earlier < BURST_GAP
