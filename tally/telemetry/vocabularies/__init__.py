"""One reader for each vocabulary: spans and log records as calls."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from tally.core.garbage import collector_paused
from tally.telemetry.calls import Call, CallRefused
from tally.telemetry.signals import Decoded, LogRecord, Span
from tally.telemetry.vocabularies import (
    ai_sdk,
    claude_code,
    codex,
    copilot,
    gemini_cli,
    genai,
    keys,
    langfuse,
    langsmith,
    litellm,
    logfire,
    opencode,
    openinference,
    openrouter,
)
from tally.telemetry.vocabularies.told import Told

ReadSpan = Callable[[Span, Told], Call | None]
ReadLog = Callable[[LogRecord, Told], Call | None]


class Vocabulary(NamedTuple):
    """A vocabulary of spans, by an attribute that only it has, by its instruments or by its programs."""

    read_span: ReadSpan
    marker: str = ""
    scopes: tuple[str, ...] = ()  # beginnings of instruments' names
    services: tuple[str, ...] = ()  # beginnings of programs' names

    def fits(self, scope: str, service: str) -> bool:
        """Check whether an instrument of a program may speak it."""
        if not self.scopes and not self.services:
            return True
        return scope.startswith(self.scopes) or service.startswith(self.services)


def skip(span: Span, told: Told) -> Call | None:  # noqa: ARG001 - in place of a reader
    """Nothing: the calls are told by log records."""
    return None


CLAUDE_SCOPE = "com.anthropic.claude_code"
# The first that fits reads a span, the last fits all: OpenLLMetry and Anthropic follow the conventions.
SPANS = (
    Vocabulary(claude_code.read_span, scopes=(CLAUDE_SCOPE,)),
    Vocabulary(skip, scopes=("codex",), services=("codex",)),
    Vocabulary(skip, scopes=("gemini-cli", "qwen-code"), services=("gemini-cli", "qwen-code")),
    Vocabulary(copilot.read_span, scopes=("github.copilot",), services=("github-copilot",)),
    Vocabulary(opencode.read_span, services=("opencode",), marker="ai.operationId"),
    Vocabulary(ai_sdk.read_span, marker="ai.operationId"),
    Vocabulary(openrouter.read_span, scopes=("openrouter",), services=("openrouter",)),
    Vocabulary(litellm.read_span, scopes=("litellm",)),
    Vocabulary(langfuse.read_span, marker="langfuse.observation.type"),
    Vocabulary(langfuse.read_span, marker=keys.LANGFUSE_USAGE),
    Vocabulary(logfire.read_span, scopes=("logfire.",)),
    Vocabulary(openinference.read_span, marker="openinference.span.kind"),
    Vocabulary(langsmith.read_span, marker="langsmith.span.kind"),
    Vocabulary(langsmith.read_span, scopes=("langsmith",)),
    Vocabulary(genai.read_span),
)
# Beginnings of instruments' names, or of events' names, for each reader of log records.
EVENTS: tuple[tuple[str, ReadLog], ...] = (
    ("claude_code.", claude_code.read_log),
    ("codex.", codex.read_log),
    *((f"{prefix}.", gemini_cli.read_log) for prefix in gemini_cli.AGENTS),
)


def read_span(span: Span) -> Call | None:
    """The call that a span describes, None for others; raises CallRefused."""
    service = span.resource.get("service.name")
    for marker, read in _find_readers(span.scope, service if isinstance(service, str) else ""):
        if not marker or marker in span.attributes:
            return read(span, Told(span.attributes, span.resource))
    return None


@lru_cache(10_000)
def _find_readers(scope: str, service: str) -> tuple[tuple[str, ReadSpan], ...]:
    """The markers and readers of the vocabularies that an instrument of a program may speak."""
    return tuple((each.marker, each.read_span) for each in SPANS if each.fits(scope, service))


def read_log(record: LogRecord) -> Call | None:
    """The call that a log record describes, None for others; raises CallRefused."""
    if record.scope.startswith(CLAUDE_SCOPE):
        return claude_code.read_log(record, Told(record.attributes, record.resource))
    for prefix, read in EVENTS:
        if record.name.startswith(prefix):
            return read(record, Told(record.attributes, record.resource))
    return None


class ReadCalls(NamedTuple):
    """The calls in a request, and a sentence for each item whose call cannot be counted."""

    calls: list[Call]
    rejected: list[str]


def read_calls(decoded: Decoded) -> ReadCalls:
    """The calls that the spans and log records of a request describe; of several, none is chosen yet."""
    found = ReadCalls([], [])
    with collector_paused():
        _read_all(decoded.spans, read_span, found)
        _read_all(decoded.logs, read_log, found)
        try:
            found.calls.extend(claude_code.read_points(decoded.points))
        except CallRefused as reason:
            found.rejected.append(f"The metrics of a session were refused: {reason}.")
    return found


def _read_all(
    items: Iterable[Span] | Iterable[LogRecord], read: Callable[..., Call | None], found: ReadCalls
) -> None:
    for item in items:
        try:
            if call := read(item):
                found.calls.append(call)
        except CallRefused as reason:
            found.rejected.append(f"The call in “{item.name[:60]}” was refused: {reason}.")
