"""Spans and log records as they were sent, without the content of prompts and answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from tally.core.errors import TallyError

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | list[Scalar] | None
Attributes: TypeAlias = dict[str, Value]
MIN_TIME, MAX_TIME = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)  # of any item
SpanStatus = Literal["unset", "ok", "error"]


class Undecodable(TallyError):
    """A request that cannot be read at all; the text tells the sender what to change."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span, such as an exception."""

    name: str
    timestamp: datetime
    attributes: Attributes


@dataclass(slots=True)  # frozen ones take three times as long to make
class Span:
    """One step of a trace; ids are lower-case hex, times UTC."""

    trace_id: str
    span_id: str
    parent_span_id: str  # empty for a root
    name: str
    kind: int
    start: datetime
    end: datetime
    status: SpanStatus
    status_message: str
    scope: str  # the instrument's name
    attributes: Attributes
    resource: Attributes  # of the program; spans of one program share the object
    events: tuple[SpanEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRecord:
    """An event of a program; what its body says is not kept."""

    timestamp: datetime
    name: str
    scope: str
    attributes: Attributes
    resource: Attributes
    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class DataPoint:
    """A sum of a metric over a period, since the one before it."""

    name: str  # of the metric
    start: datetime
    end: datetime
    value: float
    scope: str
    attributes: Attributes
    resource: Attributes


@dataclass(slots=True)
class Decoded:
    """The readable part of a request.

    `rejected` has one sentence for each item that was refused, `remarks` are about items that were taken.
    """

    spans: list[Span] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    points: list[DataPoint] = field(default_factory=list)  # of the few metrics that count
