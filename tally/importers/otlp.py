"""OpenTelemetry in files: spans and log records of requests to models, as OTLP's JSON or as JSON lines.

They are read and counted as what programs send (`tally.telemetry`), so that a file of what was sent adds
nothing: of statements about one request the one that tells most, of requests inside each other the innermost,
of coding agents whose logs tell their requests the logs. Metrics are skipped: they are sums of the same
requests.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tally.catalog.hosts import LOCAL
from tally.catalog.payees import OTHER
from tally.core.records import CostRecord, InvalidRecord
from tally.importers.exports import billing_account, utc_time
from tally.importers.protocol import Options, Parsed, RowRejected, RowSkipped, read_rows
from tally.importers.readers.table import Table, quote
from tally.importers.readers.telemetry_rows import COLUMNS
from tally.telemetry.calls import Call, CallRefused
from tally.telemetry.counting import choose_calls, parents_of
from tally.telemetry.enclosing import Names, merge_names, names_of_steps
from tally.telemetry.records import make_record
from tally.telemetry.signals import MAX_TIME, MIN_TIME, Attributes, LogRecord, Span, SpanEvent, SpanStatus
from tally.telemetry.vocabularies import genai, read_log, read_span
from tally.telemetry.vocabularies.told import Told, gather, read_instant, read_usd

name = "otlp"
title = "OpenTelemetry file"

Row = Mapping[str, str]
Item = Span | LogRecord
Outcome = CostRecord | RowRejected | RowSkipped

REQUEST_EVENT = "gen_ai.client.inference.operation.details"
STATUSES: Mapping[str, SpanStatus] = {
    "1": "ok",
    "OK": "ok",
    "STATUS_CODE_OK": "ok",
    "2": "error",
    "ERROR": "error",
    "STATUS_CODE_ERROR": "error",
}
COUNTS = ("input tokens", "output tokens", "cache reads", "cache writes", "agent input", "agent output")
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?")
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # of a span or a log record that tells none

NO_REQUEST = "of spans and logs that are no requests to a model"
REPEATED = "of spans and logs that repeat the usage of their requests"
WITHOUT_USAGE = "of requests that tell no usage"
UNKNOWN = "of a shape that Tally does not know"
OF_METRICS = "of metrics, which are sums of the same requests"


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is the one that the reader of OpenTelemetry gives."""
    return set(header) >= {*COLUMNS}


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per request."""
    rows, file = _Rows(table, options), _File(options)
    for _, cells in table.rows:
        file.add(id(cells), rows.read(cells))
    outcomes = file.decide()

    def read_row(cells: Sequence[str]) -> CostRecord:
        outcome = outcomes[id(cells)]
        if isinstance(outcome, CostRecord):
            return outcome
        raise outcome

    return read_rows(table, read_row, combine=lambda first, _: first)  # all rows of a request have its record


class _Read(NamedTuple):
    """A row as a span or a log record; `fault` says why its time cannot be read, empty where it can."""

    item: Item | None  # None for metrics
    fault: str = ""
    has_unknown_counts: bool = False


class _File:
    """All rows of a file, which say together what counts."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._outcomes: dict[int, Outcome] = {}  # by row
        self._calls: list[tuple[int, Call]] = []
        self._parents: dict[str, str] = {}
        self._steps: list[tuple[str, Names]] = []  # spans with the names that they give to calls inside them
        self._events: list[tuple[int, _Read, LogRecord]] = []  # of requests, which may repeat those of agents
        self._agents: set[object] = set()  # services whose own events tell their requests

    def add(self, row_id: int, read: _Read) -> None:
        """Take a row, whose outcome is known unless it is a call."""
        item = read.item
        if item is None:
            self._outcomes[row_id] = RowSkipped(OF_METRICS)
            return
        if isinstance(item, Span):
            self._parents |= parents_of([item])
            self._steps += names_of_steps([item]).items()
        elif item.name == REQUEST_EVENT:
            self._events.append((row_id, read, item))
        try:
            call = read_span(item) if isinstance(item, Span) else read_log(item)
        except CallRefused as reason:
            self._outcomes[row_id] = RowRejected(str(reason))
            return
        if call is not None and isinstance(item, LogRecord):
            self._agents.add(item.resource.get("service.name"))
        self._add_call(row_id, call, read, item)

    def decide(self) -> dict[int, Outcome]:
        """The outcome of each row."""
        for row_id, read, event in self._events:
            if event.resource.get("service.name") not in self._agents:
                told = Told(event.attributes, event.resource)
                self._add_call(row_id, genai.read_event(event, told), read, event)
        chosen = choose_calls([call for _, call in self._calls], self._parents, merge_names({}, self._steps))
        of_call = {id(call): row_id for row_id, call in self._calls}
        for row_id in of_call.values():
            self._outcomes[row_id] = RowSkipped(REPEATED)
        for call, group in zip(chosen.counted, chosen.statements, strict=True):
            outcome = self._make_record(call)
            for each in group:
                self._outcomes[of_call[id(each)]] = outcome
        return self._outcomes

    def _add_call(self, row_id: int, call: Call | None, read: _Read, item: Item) -> None:
        if call is None or not call.has_usage:
            self._outcomes[row_id] = RowSkipped(_find_reason(call, item, read.has_unknown_counts))
        elif fault := read.fault or _find_fault(item):
            self._outcomes[row_id] = RowRejected(fault)
        else:
            self._calls.append((row_id, call))

    def _make_record(self, call: Call) -> Outcome:
        try:
            record = make_record(call)
        except InvalidRecord as reason:
            return RowRejected(str(reason))
        if record.provider in (OTHER, LOCAL):
            return record
        return replace(record, billing_account=billing_account(record.provider, self._options))


def _find_fault(item: Item) -> str:
    """The reason why a request cannot be counted although its time and usage can be read; empty for none."""
    cost = gather(item.attributes).get("cost")
    if cost is not None and read_usd(cost) is None:
        return f"the cost {quote(str(cost))} is not a number"
    return ""


def _find_reason(call: Call | None, item: Item, has_unknown_counts: bool) -> str:
    """The reason why a row is no request that counts."""
    fields = gather(item.attributes)
    if call is None and any(fields.get(field) not in (None, 0, "0") for field in COUNTS):
        return REPEATED
    if isinstance(item, LogRecord) and call is None:
        return NO_REQUEST
    if has_unknown_counts and not any(field in fields for field in COUNTS):
        return UNKNOWN
    return WITHOUT_USAGE if call is not None or "model" in fields else NO_REQUEST


class _Rows:
    """A reader of rows."""

    def __init__(self, table: Table, options: Options) -> None:
        self._readers = {column: table.reader(column) for column in COLUMNS}
        self._times = {column: utc_time(table, options, column) for column in ("start", "time")}

    def read(self, cells: Sequence[str]) -> _Read:
        """A row as what it tells of."""
        row = {column: read_cell(cells) for column, read_cell in self._readers.items()}
        if row["signal"] == "metric":
            return _Read(None)
        ended, fault = self._find_end(row, cells)
        start = self._find_time(row, "start", cells) or ended
        return _Read(_make_item(row, min(start, ended), ended), fault, row["has_unknown_counts"] == "true")

    def _find_end(self, row: Row, cells: Sequence[str]) -> tuple[datetime, str]:
        """The time of an item, or the reason why it has none."""
        try:
            ended = self._read_time(row, "time", cells) or self._read_time(row, "start", cells)
        except RowRejected as reason:
            return NO_TIME, str(reason)
        ended = ended or read_instant(_read_object(row["attributes"]).get("event.timestamp"))
        if ended is None:
            return NO_TIME, 'its time "" is missing'
        if MIN_TIME <= ended < MAX_TIME:
            return ended, ""
        written = quote(row["time"] or row["start"])
        return ended, f"the time {written} is not of {MIN_TIME.year} to {MAX_TIME.year - 1}"

    def _find_time(self, row: Row, column: str, cells: Sequence[str]) -> datetime | None:
        try:
            return self._read_time(row, column, cells)
        except RowRejected:
            return None

    def _read_time(self, row: Row, column: str, cells: Sequence[str]) -> datetime | None:
        """A time in Unix seconds or as text, None for none; raises RowRejected."""
        if not row[column]:
            return None
        return _read_seconds(row[column]) or self._times[column](cells).timestamp


def _make_item(row: Row, start: datetime, ended: datetime) -> Item:
    attributes, resource = _read_object(row["attributes"]), _read_object(row["resource"])
    if row["signal"] == "log":
        name = str(attributes.get("event.name") or row["name"])
        return LogRecord(ended, name, row["scope"], attributes, resource, row["trace_id"], row["span_id"])
    return Span(
        row["trace_id"],
        row["span_id"],
        row["parent_id"],
        row["name"],
        0,
        start,
        ended,
        STATUSES.get(row["status"].upper(), "unset"),
        row["message"],
        row["scope"],
        attributes,
        resource,
        tuple(_read_events(row["events"], start)),
    )


def _read_events(cell: str, start: datetime) -> Iterator[SpanEvent]:
    for event in _read_json(cell, list):
        if isinstance(event, dict):
            kind = {"exception.type": str(event["exception"])} if event.get("exception") else {}
            at = _read_seconds(str(event.get("time", ""))) or start
            yield SpanEvent(str(event.get("name", "")), at, {**kind})


def _read_object(cell: str) -> Attributes:
    found: Attributes = _read_json(cell, dict)
    return found


def _read_json(cell: str, kind: type[Any]) -> Any:
    """The value that the reader wrote into a cell; an empty one where it is something else."""
    try:
        found = json.loads(cell)
    except ValueError:
        return kind()
    return found if isinstance(found, kind) else kind()


def _read_seconds(text: str) -> datetime | None:
    """A time in Unix seconds, exact to the microsecond; None for another text."""
    found = _SECONDS.fullmatch(text)
    if found is None:
        return None
    part = int((found[2] or "")[:6].ljust(6, "0"))
    return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=part)
