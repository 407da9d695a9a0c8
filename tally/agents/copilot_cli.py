"""GitHub Copilot CLI: OpenTelemetry spans as JSON lines, written when its file exporter is enabled."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from tally.agents.events import Event, LineRejected, ParsedPart, select_first
from tally.agents.json_values import child, parse_object, read_count, read_name, read_unix
from tally.agents.jsonl import lines_with
from tally.agents.log_files import files_under
from tally.agents.repositories import read_branch, read_repository
from tally.catalog.hosts import LOCAL
from tally.catalog.payees import find_payee
from tally.core.encoding import encode_parts

name = "copilot-cli"
title = "GitHub Copilot CLI"
by_line = False  # an agent span's total is used only if the log has none of its requests
select_winners = select_first  # some spans are exported twice

MARKER = b'"gen_ai.usage.'
# The same tokens are exported at up to four levels; the finest one available is used.
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
BRANCH_KEYS = "github.copilot.git.branch", "copilot_chat.repo.head_branch_name"
REPOSITORY_KEYS = "github.copilot.git.repository", "copilot_chat.repo.remote_url"
LONG_CONTEXT_SUFFIXES = "-1m-internal", "-1m"  # variants of the same model


class Span(NamedTuple):
    """A request or a sum of requests, with the trace and response it belongs to."""

    level: int
    names: set[str]
    event: Event


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find exports in COPILOT_HOME or the default folder, and the file that the exporter is set to."""
    export = environment.get("COPILOT_OTEL_FILE_EXPORTER_PATH")
    root = Path(environment.get("COPILOT_HOME") or home / ".copilot")
    found = files_under([root / "otel"], lambda file: file.endswith(".jsonl"))
    return list(dict.fromkeys([*found, *([Path(export)] if export and Path(export).is_file() else [])]))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the exported requests."""
    part = ParsedPart()
    spans: list[Span] = []
    for line in lines_with(data[: data.rfind(b"\n") + 1], MARKER):
        try:
            if span := _parse_span(line):
                spans.append(span)
        except LineRejected as reason:
            part.reject(str(reason))
    part.events = list(_with_repositories(_finest(spans), spans))
    return part


def _parse_span(line: bytes) -> Span | None:
    record = parse_object(line)
    attributes = child(record, "attributes")
    level = _find_level(record, attributes)
    event = None if level is None else _read_event(record, attributes)
    if level is None or event is None:
        return None
    return Span(level, _names(record, attributes), event)


def _finest(spans: list[Span]) -> Iterable[Span]:
    covered: set[str] = set()
    for level in (CHAT, INFERENCE, TURN, AGENT):
        of_this_level = [span for span in spans if span.level == level]
        yield from (span for span in of_this_level if not span.names & covered)
        covered = covered.union(*(span.names for span in of_this_level))


def _with_repositories(found: Iterable[Span], spans: list[Span]) -> Iterable[Event]:
    """Yield the events; only the agent's span of a trace names the branch and the repository."""
    named = {
        name: span.event
        for span in spans
        if span.event.branch or span.event.repository
        for name in span.names
    }
    for span in found:
        source = next((named[name] for name in span.names if name in named), span.event)
        yield span.event._replace(
            branch=span.event.branch or source.branch,
            repository=span.event.repository or source.repository,
        )


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
    for suffix in LONG_CONTEXT_SUFFIXES:
        model = model.removesuffix(suffix)
    timestamp = _read_time(record)
    response = read_name(attributes, "gen_ai.response.id")
    span = "".join(sorted(_names(record, attributes))) + read_name(record, "spanId")
    # Requests of one turn may share a response id, so token counts are part of the identity.
    identity = (response, model, input_tokens, output, cached, write) if response else (span, timestamp)
    return Event(
        encode_parts(*identity),
        timestamp,
        LOCAL if find_payee(model) == LOCAL else "github-copilot",
        model,
        input_tokens,
        output,
        cached_input_tokens=cached,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
        session=next(filter(None, (read_name(attributes, key) for key in SESSION_KEYS)), ""),
        branch=next(filter(None, (read_branch(attributes, key) for key in BRANCH_KEYS)), ""),
        repository=next(filter(None, (read_repository(attributes, key) for key in REPOSITORY_KEYS)), ""),
    )


def _read_time(record: Mapping[str, Any]) -> datetime:
    for key in ("endTime", "startTime", "hrTime", "_hrTime", "time"):
        if _is_high_resolution(value := record.get(key)):
            seconds, nanoseconds = value
            return read_unix(seconds + nanoseconds / 1e9)
    return _read_digits(record.get("timeUnixNano") or record.get("timestamp"))


def _is_high_resolution(value: object) -> TypeGuard[list[int]]:
    """Return whether this is a pair of seconds and nanoseconds."""
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value)


def _read_digits(value: object) -> datetime:
    """Return the instant of a Unix time in seconds, milliseconds, microseconds or nanoseconds."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:25])
    if not isinstance(value, int):
        raise LineRejected("its time cannot be read")
    return read_unix(value / 10 ** max(0, len(str(value)) - 10))
