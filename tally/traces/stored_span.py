"""A span as it is stored, and saving spans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from tally.storage.database import Database

SpanKind = Literal["llm", "tool", "agent", "retrieval", "http", "db", "internal"]
SpanOutcome = Literal["ok", "error", "timeout", "rate_limited"]
KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
BATCH = 1_000  # spans of one call; the database takes 5,000


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One step of a trace; tokens and cost are its own, input includes cached tokens."""

    trace_id: str
    span_id: str
    parent_span_id: str  # empty for a root
    started_at: datetime
    duration_us: int
    name: str
    kind: SpanKind = "internal"
    service: str = ""
    status: SpanOutcome = "ok"
    error: str = ""
    is_call: bool = False  # of a model
    request_id: str = ""  # calls with the same one are one call
    provider: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None  # None: no price
    first_token_us: int | None = None
    session: str = ""
    person: str = ""
    agent: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def ended_at(self) -> datetime:
        """The end."""
        return self.started_at + timedelta(microseconds=self.duration_us)


class SavedSpans(NamedTuple):
    """The outcome of a save: new spans, those that were known, and a sentence for each that was refused."""

    inserted: int
    known: int
    rejected: list[str]


COLUMNS = tuple(one.name for one in fields(StoredSpan))


def save_spans(
    database: Database,
    spans: Sequence[StoredSpan],
    project_id: str | None = None,
    import_id: str | None = None,
) -> SavedSpans:
    """Save spans into the database's workspace; repeating it changes nothing.

    `project_id` files all of them under a project, else the workspace's rules do; `import_id` is the source
    of their records. Raises DatabaseError.
    """
    inserted, known, rejected = 0, 0, []
    filed = {"project_id": project_id, "import_id": import_id}
    for start in range(0, len(spans), BATCH):
        batch = spans[start : start + BATCH]
        answer = database.call("save_spans", spans=[_write(span) | filed for span in batch])
        inserted += answer["inserted"]
        known += answer["known"]
        rejected += [
            f"The span “{batch[one['index']].name[:60]}” was refused: {one['reason']}"
            for one in answer["rejected"]
        ]
    return SavedSpans(inserted, known, rejected)


def save_contents(database: Database, contents: Mapping[tuple[str, str], Mapping[str, str]]) -> int:
    """Save what was said in spans, by trace and span; nothing where the workspace does not keep it.

    Returns the number of those that are new. Raises DatabaseError.
    """
    rows = [{"trace_id": trace, "span_id": span, "content": said} for (trace, span), said in contents.items()]
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    return sum(database.call("save_contents", contents=batch) for batch in batches)


def _write(span: StoredSpan) -> dict[str, Any]:
    row = {name: getattr(span, name) for name in COLUMNS}
    row["started_at"] = span.started_at.isoformat()
    row["cost_usd"] = None if span.cost_usd is None else str(span.cost_usd)
    return row | {name: dict(row[name]) for name in ("tags", "resource", "metadata")}


def read_spans(trace_id: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[StoredSpan]:
    """Spans of a trace from the columns that the database sends."""
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(names, values, strict=True))
        cost = row.pop("cost_usd")
        started_at = datetime.fromisoformat(row.pop("started_at"))
        yield StoredSpan(
            trace_id=trace_id,
            started_at=started_at,
            cost_usd=None if cost is None else Decimal(cost),
            **row,
        )
