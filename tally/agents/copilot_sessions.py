"""Sessions that GitHub Copilot CLI always stores: a row for each request, or sums when a session ends."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tally.agents.copilot_spans import find_vendor, name_contents, name_model, name_session
from tally.agents.events import Event, LineRejected, ParsedPart, UnknownShape
from tally.agents.json_values import child, parse_object, read_count, read_folder, read_name, read_time
from tally.agents.jsonl import lines_matching, whole_lines
from tally.agents.repositories import read_branch, read_repository
from tally.agents.sqlite_logs import list_columns, parse_rows
from tally.core.encoding import encode_parts

if TYPE_CHECKING:
    from sqlite3 import Connection

STORE_FILE = "session-store.db"
STORE, END = encode_parts("store"), encode_parts("end")  # begin the names of requests
TABLE = "assistant_usage_events"
SESSION_COLUMNS = ("cwd", "repository", "branch")
_MARKER = rb'"type"\s{0,2}:\s{0,2}"(?:session\.(?:start|resume|shutdown)|assistant\.message)"'


def parse_store(path: Path) -> ParsedPart:
    """Return the requests in the store's table of usage, which older versions do not have."""
    part = parse_rows(path, _load_rows, _read_row)
    part.events = name_contents(part.events)
    return part


def _load_rows(database: "Connection") -> Iterator[dict[str, Any]]:
    if not list_columns(database, TABLE):
        return
    known = [column for column in SESSION_COLUMNS if column in list_columns(database, "sessions")]
    places = "".join(f", s.{column} as session_{column}" for column in known)
    join = "left join sessions as s on s.id = e.session_id" if known else ""
    query = f"select e.*{places} from {TABLE} as e {join} order by e.id"  # noqa: S608 - names from this module
    yield from map(dict, database.execute(query))


def _read_row(row: Mapping[str, Any]) -> Event | None:
    counts = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    usage = _Usage(*(read_count(row, key) for key in counts))
    if not usage.input_tokens and not usage.output_tokens:
        return None
    session = read_name(row, "session_id")
    return usage.to_event(
        f"{STORE}{encode_parts(session, str(row.get('id')))}",
        read_name(row, "copilot_usage_model") or read_name(row, "model"),
        row.get("created_at"),
    )._replace(
        session=session,
        folder=read_folder(row, "session_cwd"),
        branch=read_branch(row, "session_branch"),
        repository=read_repository(row, "session_repository"),
    )


class _Usage(NamedTuple):
    """Counts of a request or a sum of requests; input includes reads of the cache and writes to it."""

    input_tokens: int
    output_tokens: int
    cached: int
    written: int
    reasoning: int
    requests: int = 1

    def to_event(self, name: str, model: str, time: object) -> Event:
        """Return the counts as a request."""
        input_tokens = self.input_tokens
        if input_tokens < self.cached + self.written:
            input_tokens += self.cached + self.written
        model = name_model(model)
        return Event(
            name,
            read_time(time),
            find_vendor(model),
            model or "unknown",
            input_tokens,
            self.output_tokens,
            cached_input_tokens=self.cached,
            cache_write_tokens=self.written,
            reasoning_tokens=min(self.reasoning, self.output_tokens),
            requests=self.requests,
        )

    def is_within(self, later: "_Usage") -> bool:
        """Check whether later sums may go on from these."""
        return all(then <= now for then, now in zip(self, later, strict=True))

    def minus(self, earlier: "_Usage") -> "_Usage":
        """Return what came after earlier sums."""
        return _Usage(*(now - then for now, then in zip(self, earlier, strict=True)))


def parse_ends(data: bytes, path: Path) -> ParsedPart:
    """Return the sums by model at the ends of a session, which may be resumed after each."""
    part = ParsedPart()
    session = _Session(path.parent.name if path.name == "events.jsonl" else path.stem)
    for line in lines_matching(whole_lines(data), re.compile(_MARKER)):
        try:
            part.events += session.read(parse_object(line))
        except LineRejected as reason:
            part.reject(reason)
    return part


class _Session:
    """A session's log so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.place: Mapping[str, Any] = {}
        self.sums: dict[str, _Usage] = {}  # at the last end
        self.output_tokens = 0  # of the answers since then; newer versions count only in the store

    def read(self, record: Mapping[str, Any]) -> list[Event]:
        """Read a line; returns the sums of an end."""
        data = child(record, "data")
        kind = record.get("type")
        if kind == "assistant.message":
            self.output_tokens += read_count(data, "outputTokens")
        elif kind == "session.shutdown":
            return self._end(record, data)
        else:
            self.name = read_name(data, "sessionId") or self.name
            self.place = child(data, "context") or self.place
        return []

    def _end(self, record: Mapping[str, Any], data: Mapping[str, Any]) -> list[Event]:
        metrics = child(data, "modelMetrics")
        if not metrics and data.get("tokenDetails"):
            raise UnknownShape
        sums = {model: _read_sums(child(metrics, model)) for model in metrics}
        is_continued = self._continues(sums)
        before, self.sums, self.output_tokens = self.sums, sums, 0
        return [
            self._name(usage.to_event("", model, record.get("timestamp")))
            for model, total in sums.items()
            for usage in [total.minus(before[model]) if is_continued and model in before else total]
            if usage.input_tokens or usage.output_tokens
        ]

    def _continues(self, sums: Mapping[str, _Usage]) -> bool:
        """Check whether sums include those of the last end: some versions begin again when resumed.

        Where both are possible, the answers since then decide.
        """
        if not all(model in sums and then.is_within(sums[model]) for model, then in self.sums.items()):
            return False
        total, then = (sum(usage.output_tokens for usage in some.values()) for some in (sums, self.sums))
        return not self.output_tokens or abs(total - then - self.output_tokens) <= abs(
            total - self.output_tokens
        )

    def _name(self, event: Event) -> Event:
        return event._replace(
            name=f"{END}{encode_parts(self.name, event.timestamp, event.model)}",
            session=self.name,
            is_sum=True,
            folder=read_folder(self.place, "cwd"),
            branch=read_branch(self.place, "branch"),
            repository=read_repository(self.place, "repository"),
            aliases=(name_session(self.name),),
        )


def _read_sums(metrics: Mapping[str, Any]) -> _Usage:
    usage = child(metrics, "usage")
    keys = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "reasoningTokens")
    requests = read_count(child(metrics, "requests"), "count")
    return _Usage._make([*(read_count(usage, key) for key in keys), requests])
