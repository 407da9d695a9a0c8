"""Claude Code: sessions as JSON lines; each block of an answer is a line that repeats its usage."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tally.agents.lines import lines_with
from tally.agents.logs import (
    Event,
    Known,
    LineRejected,
    Reading,
    Slot,
    child,
    files_under,
    folders_from,
    parse_object,
    read_count,
    read_folder,
    read_instant,
    read_name,
)
from tally.core.records import encode_parts

name = "claude-code"
title = "Claude Code"
by_line = True

MARKER = b'"usage":{'
ADVISOR = "advisor_message"
ADVISOR_MARKER = b'"advisor_message"'
SYNTHETIC = "<synthetic>"
Key = tuple[str, str, bool]  # the message's id, the request's, whether it is of a sidechain
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Sessions below `projects` of CLAUDE_CONFIG_DIR, or of both usual places."""
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    roots = folders_from(environment, "CLAUDE_CONFIG_DIR", config / "claude", home / ".claude")
    folders = [root if root.name == "projects" else root / "projects" for root in roots]
    return files_under(folders, lambda file: file.endswith(".jsonl"))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> Reading:  # noqa: ARG001 (each line stands alone)
    """One statement of each request in this part: of the lines of one answer, the largest."""
    reading = Reading()
    best: dict[Key, Event] = {}
    # From the end, as the last line of an answer says most; what the lines before it say needs only a glance.
    for line in reversed(list(lines_with(data, MARKER))):
        try:
            record = _find_record(line)
            if record is None:
                continue
            key = _key_of(record)
            if key in best and _says_less(record["message"]["usage"], best[key]):
                best[key] = best.pop(key)  # in the order of their first lines
                continue
            for event in _read_record(record, line):
                key = (event.name, event.attempt, event.is_sidechain)
                known = best.pop(key, event)
                best[key] = event if event.rank >= known.rank else known
        except LineRejected as reason:
            reading.reject(str(reason))
    reading.events = list(reversed(best.values()))
    return reading


def _key_of(record: Mapping[str, Any]) -> Key:
    """The key of a request before it is read in full, where its names are as plain as they should be."""
    names = record["message"].get("id"), record.get("requestId", "")
    plain = [name if isinstance(name, str) else "" for name in names]
    return plain[0], plain[1], record.get("isSidechain") is True


def _says_less(usage: Mapping[str, Any], known: Event) -> bool:
    """Whether the same request had not been answered as far."""
    output = usage.get("output_tokens")
    fresh = known.input_tokens - known.cached_input_tokens - known.cache_write_tokens
    return (
        type(output) is int
        and 0 <= output < known.output_tokens
        and usage.get("input_tokens") == fresh
        and usage.get("cache_read_input_tokens", 0) == known.cached_input_tokens
    )


def settle(events: Iterable[Event], known: Known) -> list[Event]:
    """Two lines of one message are one request, unless both are of the main chain under two request ids."""
    by_message: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_message[event.name].append(event)
    settled = []
    for message, statements in by_message.items():
        slots = known.slots(message)
        if not slots and len(statements) == 1:
            settled += statements
        else:
            settled += _settle_message(message, statements, slots)
    return settled


def _settle_message(message: str, statements: list[Event], known: list[Slot]) -> list[Event]:
    slots = list(known)
    new: dict[str, Event] = {}
    for event in statements:
        place = next((place for place, slot in enumerate(slots) if _is_same(event, slot)), None)
        if place is None:
            place = len(slots)
            slots.append(Slot(f"{message}:{event.attempt}" if slots else message, "", (False, -1, 0, False)))
        slot = slots[place]
        if event.rank > slot.rank:
            # A replay's request id is not the request's.
            kept = slot.attempt if slot.rank[0] else ""
            slots[place] = Slot(slot.name, event.attempt or kept, event.rank)
            request_id = slot.name if event.request_id else ""
            new[slot.name] = event._replace(name=slot.name, request_id=request_id)
    return list(new.values())


def _is_same(event: Event, slot: Slot) -> bool:
    is_slot_sidechain = not slot.rank[0]
    either_unknown = not (event.attempt and slot.attempt)
    return event.is_sidechain or is_slot_sidechain or either_unknown or event.attempt == slot.attempt


def _find_record(line: bytes) -> dict[str, Any] | None:
    """The line as a record with a message that used something; None where it is about something else."""
    record = parse_object(line)
    message = record.get("message")
    if not isinstance(message, dict) or "usage" not in message:
        told = child(child(record, "data"), "message")  # a subagent's progress, as its parent tells it
        message = told.get("message")
        if not isinstance(message, dict) or "usage" not in message:
            return None
        record = {**told, "sessionId": record.get("sessionId"), "cwd": record.get("cwd")}
    if not isinstance(message["usage"], dict):
        raise LineRejected("its usage is not an object")
    return None if message.get("model") == SYNTHETIC else record


def _read_record(record: Mapping[str, Any], line: bytes) -> list[Event]:
    message = record["message"]
    _check_names(record, message)
    event = _read_event(record, message, message["usage"])
    asked = _read_advisors(event, message["usage"]) if ADVISOR_MARKER in line else []
    return [event, *asked] if event.tokens else asked


def _check_names(record: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    names = record.get("requestId"), record.get("sessionId"), message.get("id"), message.get("model")
    if "" in names:
        raise LineRejected(f"its {('requestId', 'sessionId', 'id', 'model')[names.index('')]} is empty")
    version = record.get("version")
    if version is not None and not (isinstance(version, str) and _is_version(version)):
        raise LineRejected("its version is not one of Claude Code")


@lru_cache(1_000)
def _is_version(text: str) -> bool:
    return _VERSION.match(text) is not None


def _read_event(record: Mapping[str, Any], message: Mapping[str, Any], usage: Mapping[str, Any]) -> Event:
    timestamp = read_instant(record.get("timestamp"))
    session = read_name(record, "sessionId")
    model, message_id = read_name(message, "model"), read_name(message, "id")
    counts = _read_counts(usage)
    # A resumed session repeats lines under its own id; their uuid stays.
    place = session if message_id else read_name(record, "uuid") or session
    return Event(
        message_id or encode_parts(timestamp, place, model, *counts),
        timestamp,
        "anthropic",
        model or "unknown",
        *counts,
        0,
        read_count(child(usage, "server_tool_use"), "web_search_requests"),
        ("speed", "fast") if usage.get("speed") == "fast" else None,
        session,
        read_folder(record, "cwd"),
        message_id,
        read_name(record, "requestId"),
        record.get("isSidechain") is True,
    )


def _read_counts(usage: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
    """Input, output, cached, written, written for an hour. Where the two kinds of cache writes are told, the
    sum beside them does not count."""
    classes = usage.get("cache_creation")
    if isinstance(classes, dict):
        write_1h = read_count(classes, "ephemeral_1h_input_tokens")
        write = read_count(classes, "ephemeral_5m_input_tokens") + write_1h
    else:
        write, write_1h = read_count(usage, "cache_creation_input_tokens"), 0
    cached = read_count(usage, "cache_read_input_tokens")
    whole_input = read_count(usage, "input_tokens") + cached + write
    return whole_input, read_count(usage, "output_tokens"), cached, write, write_1h


def _read_advisors(event: Event, usage: Mapping[str, Any]) -> list[Event]:
    """Another model that was asked on the way: its usage is not in the sum."""
    iterations = usage.get("iterations")
    asked = [
        step
        for step in (iterations if isinstance(iterations, list) else [])
        if isinstance(step, dict) and step.get("type") == ADVISOR and read_name(step, "model")
    ]
    return [_read_advisor(event, f"{event.name}:advisor:{number}", step) for number, step in enumerate(asked)]


def _read_advisor(event: Event, step_name: str, step: Mapping[str, Any]) -> Event:
    return Event(
        step_name,
        event.timestamp,
        event.vendor,
        read_name(step, "model"),
        *_read_counts(step),
        session=event.session,
        project=event.project,
        request_id=event.request_id and step_name,
        attempt=event.attempt,
        is_sidechain=event.is_sidechain,
    )
