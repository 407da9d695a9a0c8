"""GitHub Copilot CLI: OpenTelemetry spans as JSON lines, written when its file exporter is switched on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tally.agents.lines import lines_with
from tally.agents.logs import (
    Event,
    LineRejected,
    Reading,
    child,
    files_under,
    parse_object,
    read_count,
    read_name,
    read_unix,
    settle_first,
)
from tally.core.records import encode_parts

name = "copilot-cli"
title = "GitHub Copilot CLI"
by_line = False  # a sum over an agent's requests counts only where the requests themselves are not told
settle = settle_first  # some spans are exported twice

MARKER = b'"gen_ai.usage.'
# The same tokens at four levels: the finest one that tells of them counts.
CHAT, INFERENCE, TURN, AGENT = range(4)
SESSION_KEYS = (
    "gen_ai.conversation.id",
    "copilot_chat.session_id",
    "session.id",
    "github.copilot.interaction_id",
)
MODEL_KEYS = "gen_ai.response.model", "gen_ai.request.model"
WRITE_KEYS = "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
REASONING_KEYS = "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"
LONG_CONTEXT = "-1m-internal", "-1m"  # the same model


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Exports below COPILOT_HOME, or the usual place, and the file that the exporter was told."""
    told = environment.get("COPILOT_OTEL_FILE_EXPORTER_PATH")
    root = Path(environment.get("COPILOT_HOME") or home / ".copilot")
    found = files_under([root / "otel"], lambda file: file.endswith(".jsonl"))
    return list(dict.fromkeys([*found, *([Path(told)] if told and Path(told).is_file() else [])]))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> Reading:  # noqa: ARG001 (read as a whole)
    """The requests that were exported."""
    reading = Reading()
    told: list[tuple[int, set[str], Event]] = []
    for line in lines_with(data[: data.rfind(b"\n") + 1], MARKER):
        try:
            record = parse_object(line)
            attributes = child(record, "attributes")
            level = _find_level(record, attributes)
            event = None if level is None else _read_event(record, attributes)
        except LineRejected as reason:
            reading.reject(str(reason))
        else:
            if event is not None and level is not None:
                told.append((level, _names(record, attributes), event))
    reading.events = list(_finest(told))
    return reading


def _finest(told: list[tuple[int, set[str], Event]]) -> Iterable[Event]:
    covered: set[str] = set()
    for level in (CHAT, INFERENCE, TURN, AGENT):
        of_this_level = [(names, event) for found, names, event in told if found == level]
        yield from (event for names, event in of_this_level if not names & covered)
        covered = covered.union(*(names for names, _ in of_this_level))


def _find_level(record: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    if record.get("type") == "span" or ("type" not in record and "spanId" in record):
        levels = {"chat": CHAT, "invoke_agent": AGENT}
        operation = read_name(attributes, "gen_ai.operation.name") or read_name(record, "name").split(" ")[0]
        return levels.get(operation)
    levels = {"gen_ai.client.inference.operation.details": INFERENCE, "copilot_chat.agent.turn": TURN}
    return levels.get(read_name(attributes, "event.name"))


def _names(record: Mapping[str, Any], attributes: Mapping[str, Any]) -> set[str]:
    trace = read_name(record, "traceId") or read_name(child(record, "spanContext"), "traceId")
    return {trace, read_name(attributes, "gen_ai.response.id")} - {""}


def _read_event(record: Mapping[str, Any], attributes: Mapping[str, Any]) -> Event | None:
    input_tokens = read_count(attributes, "gen_ai.usage.input_tokens")
    output = read_count(attributes, "gen_ai.usage.output_tokens")
    if not input_tokens and not output:
        return None
    cached = min(input_tokens, read_count(attributes, "gen_ai.usage.cache_read.input_tokens"))
    write = min(input_tokens - cached, max(read_count(attributes, key) for key in WRITE_KEYS))
    reasoning = min(output, max(read_count(attributes, key) for key in REASONING_KEYS))
    model = next(filter(None, (read_name(attributes, key) for key in MODEL_KEYS)), "unknown")
    for suffix in LONG_CONTEXT:
        model = model.removesuffix(suffix)
    timestamp = _read_time(record)
    response = read_name(attributes, "gen_ai.response.id")
    span = "".join(sorted(_names(record, attributes))) + read_name(record, "spanId")
    # One response id may stand on every request of a turn: the figures tell them apart.
    identity = (response, model, input_tokens, output, cached, write) if response else (span, timestamp)
    return Event(
        encode_parts(*identity),
        timestamp,
        "github-copilot",
        model,
        input_tokens,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
        session=next(filter(None, (read_name(attributes, key) for key in SESSION_KEYS)), ""),
    )


def _read_time(record: Mapping[str, Any]) -> Any:
    for key in ("endTime", "startTime", "hrTime", "_hrTime", "time"):
        value = record.get(key)
        if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value):
            return read_unix(value[0] + value[1] / 1e9)
    nanoseconds = record.get("timeUnixNano") or record.get("timestamp")
    if isinstance(nanoseconds, str) and nanoseconds.isascii() and nanoseconds.isdigit():
        nanoseconds = int(nanoseconds[:25])
    if not isinstance(nanoseconds, int):
        raise LineRejected("its time cannot be read")
    digits = len(str(nanoseconds))
    return read_unix(nanoseconds / 10 ** max(0, digits - 10))
