"""Claude Code: sessions as JSON lines; each block of a response is a line that repeats its usage."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from tally.agents.events import (
    Event,
    KnownRequest,
    KnownRequests,
    LineRejected,
    ParsedPart,
    UnknownShape,
)
from tally.agents.json_values import (
    child,
    has_counts,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
)
from tally.agents.jsonl import lines_before, lines_with
from tally.agents.log_files import files_under, folders_from
from tally.agents.repositories import read_branch
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts
from tally.pricing.service_tiers import find_condition

name = "claude-code"
title = "Claude Code"
by_line = True

MARKER = b'"usage"'
SEARCH_MARKER = b'"searchCount"'
ADVISOR = "advisor_message"
ADVISOR_MARKER = b'"advisor_message"'
SYNTHETIC = "<synthetic>"
COUNTS = frozenset(
    {"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}
)
Key = tuple[str, str, bool]  # message id, request id, is_sidechain
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]")


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name `projects` of CLAUDE_CONFIG_DIR, or of both default folders."""
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    roots = folders_from(environment, "CLAUDE_CONFIG_DIR", config / "claude", home / ".claude")
    return [root if root.name == "projects" else root / "projects" for root in roots]


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find sessions."""
    return files_under(find_folders(home, environment), lambda file: file.endswith(".jsonl"))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the largest statement of each request in this part, and the web searches beside them."""
    part = ParsedPart(state=state)
    best: dict[Key, Event] = {}
    # Backwards: the last line of a response has the final usage, so the lines before it are only compared.
    for line in reversed(list(lines_with(data, MARKER))):
        try:
            record = _find_record(line)
            if record is None:
                continue
            key = _key_of(record)
            if key in best and _is_earlier(record["message"]["usage"], best[key]):
                best[key] = best.pop(key)  # keeps the order of first lines
                continue
            for event in _read_record(record, line):
                key = (event.name, event.attempt, event.is_sidechain)
                known = best.pop(key, event)
                best[key] = event if event.rank >= known.rank else known
        except LineRejected as reason:
            part.reject(reason)
    part.events = list(reversed(best.values()))
    if SEARCH_MARKER in data:
        _add_searches(data, part)
    if part.events:
        state["model"], state["vendor"] = part.events[-1].model, part.events[-1].vendor
    return part


def _key_of(record: Mapping[str, Any]) -> Key:
    """Return a request's key before its line is validated; ids that are not texts become empty."""
    ids = record["message"].get("id"), record.get("requestId", "")
    message_id, request_id = (value if isinstance(value, str) else "" for value in ids)
    return message_id, request_id, record.get("isSidechain") is True


def _is_earlier(usage: Mapping[str, Any], known: Event) -> bool:
    """Return whether this is the known request with less output so far."""
    output = usage.get("output_tokens")
    uncached = known.input_tokens - known.cached_input_tokens - known.cache_write_tokens
    return (
        type(output) is int
        and 0 <= output < known.output_tokens
        and usage.get("input_tokens") == uncached
        and usage.get("cache_read_input_tokens", 0) == known.cached_input_tokens
    )


def select_winners(events: Iterable[Event], known: KnownRequests) -> list[Event]:
    """Merge statements that share a message id; main-chain ones with different request ids stay separate."""
    by_message: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_message[event.name].append(event)
    winners = []
    for message, statements in by_message.items():
        requests = known.named(message)
        if not requests and len(statements) == 1:
            winners += statements
        else:
            winners += _select_in_message(message, statements, requests)
    return winners


def _select_in_message(message: str, statements: list[Event], known: list[KnownRequest]) -> list[Event]:
    requests = list(known)
    winners: dict[str, Event] = {}
    for event in statements:
        place = next((place for place, request in enumerate(requests) if _is_same(event, request)), None)
        if place is None:
            place = len(requests)
            name = f"{message}:{event.attempt}" if requests else message
            requests.append(KnownRequest(name, "", (False, -1, 0, False)))
        request = requests[place]
        if event.rank > request.rank:
            # The request id of a sidechain replay is not the request's own.
            attempt = event.attempt or (request.attempt if request.rank[0] else "")
            requests[place] = KnownRequest(request.name, attempt, event.rank)
            request_id = request.name if event.request_id else ""
            winners[request.name] = event._replace(name=request.name, request_id=request_id, attempt=attempt)
    return list(winners.values())


def _is_same(event: Event, request: KnownRequest) -> bool:
    is_known_sidechain = not request.rank[0]
    either_unknown = not (event.attempt and request.attempt)
    return event.is_sidechain or is_known_sidechain or either_unknown or event.attempt == request.attempt


def _find_record(line: bytes) -> dict[str, Any] | None:
    """Parse a line into a record whose message has usage; None for any other line."""
    record = parse_object(line)
    message = record.get("message")
    if not isinstance(message, dict) or "usage" not in message:
        nested = child(child(record, "data"), "message")  # a subagent's progress in its parent's session
        message = nested.get("message")
        if not isinstance(message, dict) or "usage" not in message:
            if has_counts(record):
                raise UnknownShape
            return None
        outer = {key: record.get(key) for key in ("sessionId", "cwd", "gitBranch")}
        record = {**nested, **outer}
    if message["usage"] is None or message.get("model") == SYNTHETIC:
        return None
    if not isinstance(message["usage"], dict):
        raise LineRejected("its usage is not an object")
    return record


def _read_record(record: Mapping[str, Any], line: bytes) -> list[Event]:
    message = record["message"]
    _check_names(record, message)
    event = _read_event(record, message, message["usage"])
    if not event.tokens and COUNTS.isdisjoint(message["usage"]) and has_counts(message):
        raise UnknownShape
    advisors = _read_advisors(event, message["usage"]) if ADVISOR_MARKER in line else []
    return [event, *advisors] if event.tokens else advisors


def _check_names(record: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    names = record.get("requestId"), record.get("sessionId"), message.get("id"), message.get("model")
    if "" in names:
        raise LineRejected(f"its {('requestId', 'sessionId', 'id', 'model')[names.index('')]} is empty")
    version = record.get("version")
    if version is not None and not (isinstance(version, str) and _is_version(version)):
        raise LineRejected("its version is not a version of Claude Code")


@lru_cache(1_000)
def _is_version(text: str) -> bool:
    return _VERSION.match(text) is not None


def _read_event(record: Mapping[str, Any], message: Mapping[str, Any], usage: Mapping[str, Any]) -> Event:
    timestamp = read_instant(record.get("timestamp"))
    session = read_name(record, "sessionId")
    model, message_id = read_name(message, "model"), read_name(message, "id")
    request_id, counts = read_name(record, "requestId"), _read_counts(usage)
    # Without a message id, the uuid identifies a line: a resumed session repeats it under its own session id.
    line_id = session if message_id else read_name(record, "uuid") or session
    return Event(
        message_id or encode_parts(timestamp, line_id, model, *counts),
        timestamp,
        _find_vendor(model, message_id, request_id),
        model or "unknown",
        *counts,
        0,
        read_count(child(usage, "server_tool_use"), "web_search_requests"),
        _find_context(usage),
        session,
        read_folder(record, "cwd"),
        message_id,
        request_id,
        record.get("isSidechain") is True,
        branch=read_branch(record, "gitBranch"),
        inference_geo=read_name(usage, "inference_geo"),
        other_ids=(request_id,) if request_id else (),
    )


def _find_context(usage: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the condition of the price that an answer tells of, by its speed or its service tier."""
    return (
        ("speed", "fast")
        if usage.get("speed") == "fast"
        else find_condition(read_name(usage, "service_tier"))
    )


def _add_searches(data: bytes, part: ParsedPart) -> None:
    """Add the web searches that results of tools tell of: the answers before them do not count these."""
    at = 0
    for line in lines_with(data, SEARCH_MARKER):
        at = data.find(line, at)
        try:
            record = parse_object(line)
            if count := read_count(child(record, "toolUseResult"), "searchCount"):
                part.events += _read_search(
                    record, count, _find_request(data, at, "model" not in part.state), part.state
                )
        except LineRejected as reason:
            part.reject(reason)


def _find_request(data: bytes, at: int, is_first: bool) -> Mapping[str, Any]:
    """Return the last request before this position, in a log's first part else the first; may be empty."""
    for line in chain(lines_before(data, MARKER, at), lines_with(data, MARKER) if is_first else ()):
        with suppress(LineRejected):
            if record := _find_record(line):
                return record
    return {}


def _read_search(
    record: Mapping[str, Any], count: int, request: Mapping[str, Any], state: Mapping[str, Any]
) -> list[Event]:
    """Return searches as a fee of their own: the request before them may have been collected already."""
    message = child(request, "message")
    if read_count(child(child(message, "usage"), "server_tool_use"), "web_search_requests"):
        return []  # counted there
    timestamp = read_instant(record.get("timestamp"))
    model = read_name(message, "model")
    ids = read_name(message, "id"), read_name(request, "requestId")
    content = child(record, "message").get("content")
    results = content if isinstance(content, list) else []
    tools = (read_name(result, "tool_use_id") for result in results if isinstance(result, dict))
    return [
        Event(
            encode_parts("search", next(tools, "") or read_name(record, "uuid"), timestamp, count),
            timestamp,
            _find_vendor(model, *ids) if model else state.get("vendor", "anthropic"),
            model or state.get("model", "unknown"),
            0,
            0,
            web_searches=count,
            session=read_name(record, "sessionId"),
            folder=read_folder(record, "cwd"),
            branch=read_branch(record, "gitBranch"),
            requests=0,
        )
    ]


def _find_vendor(model: str, *ids: str) -> str:
    """Return the provider that is paid: clouds and other makers' endpoints answer Claude Code, too."""
    return find_payee(model, ids=ids) or (OTHER if model else "anthropic")


def _read_counts(usage: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
    """Return tokens of input, output, cache reads, cache writes and 1-hour cache writes.

    The sum of cache writes is used only when its breakdown by lifetime is missing or empty.
    """
    classes, write, write_1h = usage.get("cache_creation"), 0, 0
    if isinstance(classes, dict):
        write_1h = read_count(classes, "ephemeral_1h_input_tokens")
        write = read_count(classes, "ephemeral_5m_input_tokens") + write_1h
    write = write or read_count(usage, "cache_creation_input_tokens")
    cached = read_count(usage, "cache_read_input_tokens")
    input_tokens = read_count(usage, "input_tokens") + cached + write
    return input_tokens, read_count(usage, "output_tokens"), cached, write, write_1h


def _read_advisors(event: Event, usage: Mapping[str, Any]) -> list[Event]:
    """Return calls to an advisor model, whose usage the message's sum leaves out."""
    iterations = usage.get("iterations")
    steps = [
        step
        for step in (iterations if isinstance(iterations, list) else [])
        if isinstance(step, dict) and step.get("type") == ADVISOR and read_name(step, "model")
    ]
    return [_read_advisor(event, f"{event.name}:advisor:{number}", step) for number, step in enumerate(steps)]


def _read_advisor(event: Event, step_name: str, step: Mapping[str, Any]) -> Event:
    model = read_name(step, "model")
    return Event(
        step_name,
        event.timestamp,
        _find_vendor(model, event.request_id, event.attempt),
        model,
        *_read_counts(step),
        session=event.session,
        folder=event.folder,
        branch=event.branch,
        request_id=event.request_id and step_name,
        attempt=event.attempt,
        is_sidechain=event.is_sidechain,
        inference_geo=event.inference_geo,
    )
