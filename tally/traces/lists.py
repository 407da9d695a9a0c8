"""Lists of traces and of sessions, and one trace with its spans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from tally.analytics.answers import Answer, Source
from tally.storage.database import Database, Query, Row, select_first
from tally.traces.stored_span import StoredSpan, read_spans

Sort = Literal["newest", "slowest", "dearest"]
Ask = Callable[..., Answer]  # a function of the API with its arguments
PAGE_ROWS = 25
SUMS = ("traces", "errors", "retried", "unpriced", "p50_us", "p95_us")
TRACE_COLUMNS = (
    "trace_id,name,service,session,person,agent,status,first_at,duration_us,spans,errors,retries,calls,unpriced,"
    "input_tokens,output_tokens,cached_input_tokens,cost_usd::text,models"
)


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Conditions of a list; None is any. A text is looked for in names, sessions, people and ids."""

    first_at: datetime
    last_at: datetime
    search: str | None = None
    status: str | None = None
    service: str | None = None
    model: str | None = None
    session: str | None = None
    sort: Sort = "newest"

    def arguments(self) -> dict[str, Any]:
        """The arguments of the functions that read lists."""
        given = asdict(self)
        return given | {"first_at": self.first_at.isoformat(), "last_at": self.last_at.isoformat()}


class Summary(NamedTuple):
    """A trace as a list shows it."""

    trace_id: str
    name: str
    service: str
    session: str
    status: Literal["ok", "retried", "error"]
    first_at: datetime
    duration_us: int
    spans: int
    errors: int
    retries: int
    unpriced: int
    tokens: int
    cost_usd: Decimal | None  # None: no call has a price
    models: Sequence[str]


class SessionSummary(NamedTuple):
    """A session as a list shows it: its traces together."""

    session: str
    service: str
    person: str
    agent: str
    traces: int
    first_at: datetime
    last_at: datetime
    duration_us: int
    spans: int
    errors: int
    retries: int
    unpriced: int
    tokens: int
    cost_usd: Decimal | None


class TraceList(NamedTuple):
    """One page of the traces that meet a filter, with sums over all of them."""

    cost_usd: Decimal | None
    traces: int
    errors: int
    retried: int
    unpriced: int  # traces with calls without a price
    p50_us: int
    p95_us: int
    services: Sequence[str]  # of the whole period
    models: Sequence[str]
    points: Sequence[tuple[int, float | None, str]]  # duration, cost and status of some 400 of them
    rows: Sequence[Summary]
    source: Source | None = None  # the engine that answered, where there is a choice


class SessionList(NamedTuple):
    """One page of sessions."""

    sessions: int
    rows: Sequence[SessionSummary]


def find_traces(ask: Ask, chosen: TraceFilter, page: int = 1, rows: int = PAGE_ROWS) -> TraceList:
    """A page of traces; pages count from 1. Raises DatabaseError."""
    found, source = ask("find_traces", **chosen.arguments(), skip=(page - 1) * rows, page_rows=rows)
    sums: dict[str, Any] = {name: int(found[name] or 0) for name in SUMS}
    lists: dict[str, Any] = {
        "services": found["services"] or [],
        "models": found["models"] or [],
        "points": [(int(duration), cost, status) for duration, cost, status in found["points"] or []],
        "rows": [_read(Summary, row) for row in found["rows"] or []],
    }
    return TraceList(cost_usd=_decimal(found["cost_usd"]), **sums, **lists, source=source)


def find_sessions(ask: Ask, chosen: TraceFilter, page: int = 1, rows: int = PAGE_ROWS) -> SessionList:
    """A page of sessions, by period and text; pages count from 1. Raises DatabaseError."""
    given = chosen.arguments()
    asked = {name: given[name] for name in ("first_at", "last_at", "search", "sort")}
    found, _ = ask("find_sessions", **asked, skip=(page - 1) * rows, page_rows=rows)
    return SessionList(found["sessions"], [_read(SessionSummary, row) for row in found["rows"] or []])


def load_trace(database: Database, trace_id: str) -> Row | None:
    """The row of a trace, or None if there is none that the account may see."""
    return select_first(database, Query("traces", TRACE_COLUMNS, ["trace_id"], {"trace_id": trace_id}))


def load_spans(database: Database, trace_id: str) -> list[StoredSpan]:
    """The spans of a trace that the account may see, without tags, resource and metadata."""
    columns = database.call("read_trace", trace_id=trace_id)
    return list(read_spans(trace_id, columns)) if columns else []


def load_details(database: Database, trace_id: str, span_id: str) -> Mapping[str, Any]:
    """Tags, resource and metadata of a span; nothing if it is gone."""
    where = {"trace_id": trace_id, "span_id": span_id}
    return select_first(database, Query("spans", "tags,resource,metadata", ["span_id"], where)) or {}


def load_content(database: Database, trace_id: str, span_id: str) -> Mapping[str, str]:
    """Prompts and answers of a span by part; nothing where they are not kept."""
    return database.call("read_content", trace_id=trace_id, span_id=span_id) or {}


def _read(kind: Any, row: Row) -> Any:
    instants = {name: datetime.fromisoformat(row[name]) for name in ("first_at", "last_at") if name in row}
    return kind(**row | instants | {"cost_usd": _decimal(row["cost_usd"])})


def _decimal(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)
