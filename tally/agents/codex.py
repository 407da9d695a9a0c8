"""Codex CLI: sessions as JSON lines; each request is followed by its token count and the running total.

A fork and a sub-agent may begin with the history of their parent, told again at any pace. It is recognised by
its running sums, which the parent's log has, too. If that log is gone, the log of the parent's own parent has
the first ones, siblings tell the same sums, and each counts once.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tally.agents.codex_counts import COUNTS, Sums, add_count, largest_within, read_sums
from tally.agents.codex_history import find_parent, forget_histories, load_history
from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape, select_first
from tally.agents.json_values import child, has_counts, parse_object, read_folder, read_instant, read_name
from tally.agents.jsonl import lines_matching, lines_with
from tally.agents.log_files import files_under, folders_from
from tally.agents.repositories import read_branch, read_repository
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts
from tally.pricing.service_tiers import find_condition

name = "codex"
title = "Codex CLI"
by_line = True
select_winners = select_first  # a branched session repeats its history with the original times

KINDS = "token_count", "turn_context", "session_meta", "thread_settings_applied", "turn.completed"
_MARKER = re.compile(rb'"type"\s{0,2}:\s{0,2}"(?:' + "|".join(map(re.escape, KINDS)).encode() + rb')"')
COUNT_MARKER = b'_tokens"'
MODEL_KEYS = ("model", "model_name", "model_slug")
MAX_ANCESTORS = 16
DEFAULT_MODEL = "gpt-5"  # for sessions logged before Codex recorded the model


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name CODEX_HOME or the default folder."""
    return folders_from(environment, "CODEX_HOME", home / ".codex")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions; one that is also archived is read once."""
    forget_histories()
    found: dict[tuple[Path, Path], Path] = {}
    for root in find_folders(home, environment):
        for folder in (root / "sessions", root / "archived_sessions"):
            for path in files_under([folder], lambda file: file.endswith(".jsonl")):
                found.setdefault((root, path.relative_to(folder)), path)
    return list(found.values())


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:
    """Return the requests of this part; the state holds the session, its parent, model and running sums."""
    part = ParsedPart(state=state)
    for line in lines_matching(data, _MARKER):
        try:
            event = _parse_line(line, path, state)
        except LineRejected as reason:
            part.reject(reason)
        else:
            if "unnamed" in state and state.get("model"):
                _name_models(part.events, state)
            if event is not None:
                part.events.append(event)
    if "unnamed" in state:
        _name_models(part.events, state)
    part.unknown += sum(map(_is_unknown, lines_with(data, COUNT_MARKER)))
    return part


def _is_unknown(line: bytes) -> bool:
    """Check whether a line of no known kind has counts of tokens."""
    if _MARKER.search(line):
        return False
    try:
        return has_counts(parse_object(line))
    except LineRejected:
        return False


def _parse_line(line: bytes, path: Path, state: dict[str, Any]) -> Event | None:
    record = parse_object(line)
    payload = child(record, "payload")
    kind = record.get("type")
    if kind == "event_msg":
        if payload.get("type") == "token_count":
            return _read_token_count(record, payload, path, state)
        if payload.get("type") == "thread_settings_applied":
            _read_settings(child(payload, "thread_settings"), state)
    elif kind == "turn.completed":
        usage = child(record, "usage")
        if usage.keys().isdisjoint(COUNTS) and has_counts(record):
            raise UnknownShape
        return _count(record, record, None, read_sums(usage), state)
    elif kind == "session_meta":
        _read_ancestor(payload, state) if "session" in state else _read_meta(payload, state)
    elif kind == "turn_context":
        state["model"] = _read_model(payload) or state.get("model", "")
        state["folder"] = read_folder(payload, "cwd") or state.get("folder", "")
    return None


def _read_meta(payload: Mapping[str, Any], state: dict[str, Any]) -> None:
    state["session"] = read_name(payload, "id")
    state["parent"], state["is_fork"] = find_parent(payload)
    state["vendor"] = read_name(payload, "model_provider")
    state["folder"] = read_folder(payload, "cwd")
    git = child(payload, "git")
    state["branch"], state["repository"] = (
        read_branch(git, "branch"),
        read_repository(git, "repository_url"),
    )
    if model := _read_model(payload):
        state["model"] = model


def _read_ancestor(payload: Mapping[str, Any], state: dict[str, Any]) -> None:
    """Add who a fork comes from, as the first lines of its parents tell, which it repeats."""
    ancestors = _list_ancestors(state)
    for session in (read_name(payload, "id"), find_parent(payload)[0]):
        if session and session not in (state["session"], *ancestors) and len(ancestors) < MAX_ANCESTORS:
            ancestors.append(session)


def _list_ancestors(state: dict[str, Any]) -> list[str]:
    ancestors: list[str] = state.setdefault("ancestors", [state["parent"]] if state.get("parent") else [])
    return ancestors


def _read_settings(settings: Mapping[str, Any], state: dict[str, Any]) -> None:
    if settings.get("service_tier") is not None:
        state["tier"] = read_name(settings, "service_tier")
    if model := _read_model(settings):
        state["model"] = model


def _read_model(values: Mapping[str, Any]) -> str:
    return next((found for key in MODEL_KEYS if (found := read_name(values, key))), "")


def _read_token_count(
    record: Mapping[str, Any], payload: Mapping[str, Any], path: Path, state: dict[str, Any]
) -> Event | None:
    info = child(payload, "info")  # null before the first response
    total, last = (
        read_sums(info[key]) if isinstance(info.get(key), dict) else None
        for key in ("total_token_usage", "last_token_usage")
    )
    if not total and not last and has_counts(payload):
        raise UnknownShape
    if model := _read_model(payload) or _read_model(info):
        state["model"] = model
    if state.get("parent") and not state.get("has_own") and (total or last):
        if _repeats_parent(path, total, last, state):
            return None
        state["has_own"] = True
    return _count(record, payload, total, last, state)


def _repeats_parent(path: Path, total: Sums | None, last: Sums | None, state: dict[str, Any]) -> bool:
    """Check whether the parent has this count, too; the sums go on from what is the parent's."""
    ancestors = _list_ancestors(state)
    histories = [load_history(path, session) for session in ancestors]
    if histories[0] is None:
        state["lineage"] = ancestors[-1]
    history = next(filter(None, histories), None)
    if history is None:
        return False
    sums = state.setdefault("sums", [])
    counted = add_count([*sums], total, last)
    if counted is None:
        return True
    if history.has(counted[1]):
        add_count(sums, total, last)
        return True
    if (
        total
        and not last
        and _goes_on(sums, total, state)
        and (reached := largest_within(history.sums, total))
    ):
        sums.append(reached)
    return False


def _goes_on(sums: Sequence[Sums], total: Sums, state: Mapping[str, Any]) -> bool:
    """Check whether the first own sum of a fork goes on with its parent's; after a fall it does not."""
    return largest_within(sums, total) is not None if sums else bool(state["is_fork"])


def _count(
    record: Mapping[str, Any],
    payload: Mapping[str, Any],
    total: Sums | None,
    last: Sums | None,
    state: dict[str, Any],
) -> Event | None:
    timestamp = read_instant(record.get("timestamp"))
    counted = add_count(state.setdefault("sums", []), total, last)
    if counted is None:
        return None
    usage, reached = counted
    input_tokens, cached, write, output, reasoning = usage
    if not input_tokens and not output:
        return None
    cached = min(cached, input_tokens)
    model = _read_model(payload) or state.get("model") or ""
    if not model:
        state["unnamed"] = True
    return Event(
        encode_parts(state.get("lineage") or timestamp, *usage, *reached),
        timestamp,
        _find_vendor(model, state),
        model,
        input_tokens,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=min(write, input_tokens - cached),
        reasoning_tokens=min(reasoning, output),
        context=find_condition(state.get("tier", "")),
        session=state.get("session", ""),
        folder=state.get("folder", ""),
        branch=state.get("branch", ""),
        repository=state.get("repository", ""),
    )


def _name_models(events: list[Event], state: dict[str, Any]) -> None:
    """Give requests before the first model the one that follows, or the one of logs without any."""
    del state["unnamed"]
    model = state.get("model") or DEFAULT_MODEL
    vendor = _find_vendor(model, state)
    events[:] = [event if event.model else event._replace(model=model, vendor=vendor) for event in events]


def _find_vendor(model: str, state: Mapping[str, Any]) -> str:
    """Return the provider that is paid, by the one in Codex's settings and by the model."""
    named = state.get("vendor", "")
    return find_payee(model, named) or (OTHER if named else "openai")
