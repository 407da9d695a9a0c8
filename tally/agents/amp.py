"""Amp: threads as JSON documents, which older versions keep on the machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape, select_last
from tally.agents.json_values import child, has_counts, parse_object, read_count, read_name, read_time
from tally.agents.log_files import files_under, folders_from
from tally.catalog.payees import OTHER
from tally.core.encoding import encode_parts

name = "amp"
title = "Amp"
by_line = False
select_winners = select_last

MESSAGE_COUNTS = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name AMP_DATA_DIR or the default folder."""
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return folders_from(environment, "AMP_DATA_DIR", data / "amp")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find threads."""
    threads = [folder / "threads" for folder in find_folders(home, environment)]
    return files_under(threads, lambda file: file.endswith(".json"))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the requests of a thread: those of its ledger, in threads without one those of its messages."""
    part = ParsedPart()
    try:
        thread = parse_object(data)
        session = read_name(thread, "id") or path.stem
        events = child(thread, "usageLedger").get("events")
        entries = _read_ledger(thread, events) if isinstance(events, list) else _read_messages(thread)
        for identity, time, model, counts in entries:
            if event := _make_event((session, identity), time, model, counts):
                part.events.append(event)
    except LineRejected as reason:
        part.reject(reason)
    return part


Entry = tuple[str, object, str, list[int]]  # id, time, model, counts as messages have them


def _read_ledger(thread: Mapping[str, Any], events: list[object]) -> Iterator[Entry]:
    """Read the ledger; only the message that a request led to has what was cached."""
    usages = {str(message.get("messageId")): child(message, "usage") for message in _messages(thread)}
    for place, event in enumerate(events):
        if not isinstance(event, dict):
            continue
        tokens, usage = child(event, "tokens"), usages.get(str(event.get("toMessageId")), {})
        counts = [read_count(tokens, "input"), read_count(tokens, "output")]
        counts += [read_count(usage, key) for key in MESSAGE_COUNTS[2:]]
        if not sum(counts) and has_counts(event):
            raise UnknownShape
        yield str(event.get("id") or place), event.get("timestamp"), read_name(event, "model"), counts


def _read_messages(thread: Mapping[str, Any]) -> Iterator[Entry]:
    for place, message in enumerate(_messages(thread)):
        usage = child(message, "usage")
        counts = [read_count(usage, key) for key in MESSAGE_COUNTS]
        if not sum(counts) and has_counts(message):
            raise UnknownShape
        time = usage.get("timestamp") or message.get("timestamp")
        identity = str(message.get("messageId", place))
        yield identity, time, read_name(usage, "model") or read_name(message, "model"), counts


def _messages(thread: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = thread.get("messages")
    found = messages if isinstance(messages, list) else []
    return [message for message in found if isinstance(message, dict) and message.get("role") == "assistant"]


def _make_event(identity: tuple[str, str], time: object, model: str, counts: list[int]) -> Event | None:
    uncached, output, cached, written = counts
    if not sum(counts):
        return None
    return Event(
        encode_parts(*identity),
        read_time(time),
        OTHER,  # Amp sells the models of others
        model or "unknown",
        uncached + cached + written,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        session=identity[0],
    )
