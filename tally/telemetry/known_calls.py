"""Calls as they are kept for further requests, and the parents of spans that are none."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tally.core.records import identity, request_identity
from tally.telemetry.calls import Call
from tally.telemetry.counting import mark_sessions
from tally.telemetry.enclosing import NO_NAMES, SpanKey, Step, name_step
from tally.telemetry.signals import Span

Row = dict[str, Any]
MAX_STEPS = 200  # of a row
MAX_TEXT = 16_000  # characters of a kept call; a longer one is kept without its tags

_DEFAULTS = {
    field.name: field.default_factory() if field.default_factory is not MISSING else field.default
    for field in fields(Call)
}


def pack_call(call: Call) -> Row:
    """The facts of a call that are not the usual ones, as JSON."""
    packed: Row = {}
    for name, usual in _DEFAULTS.items():
        value = getattr(call, name)
        if value == usual:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = str(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        packed[name] = value
    if len(str(packed)) > MAX_TEXT:
        packed.pop("tags", None)
    return packed


def unpack_call(packed: Row) -> Call:
    """The call of `pack_call`."""
    changes: Row = {"timestamp": datetime.fromisoformat(packed["timestamp"])}
    changes |= {name: tuple(packed[name]) for name in ("request_ids", "of_program") if name in packed}
    changes |= {name: Decimal(packed[name]) for name in ("reported_usd", "saved_usd") if name in packed}
    return Call(**(packed | changes))


def name_trace(trace_id: str) -> str:
    """The name of a trace in the database."""
    return str(identity("trace", trace_id))


def names_of(call: Call) -> list[str]:
    """The names of a call's requests in the database."""
    return [str(request_identity(each)) for each in call.request_ids]


def may_return(call: Call) -> bool:
    """Check whether further requests may be about this call, or about one around or inside it."""
    return bool(call.request_ids or call.span_id)


def make_links(spans: Iterable[Span], calls: Iterable[Call]) -> list[Row]:
    """The parents of spans that are no calls, and the names that they give, in rows of a trace."""
    of_calls = {(call.trace_id, call.span_id) for call in calls}
    by_trace: dict[str, dict[str, Step]] = defaultdict(dict)
    for span in spans:
        if (span.trace_id, span.span_id) not in of_calls:
            names = name_step(span)
            if span.parent_span_id or names != NO_NAMES:
                by_trace[span.trace_id][span.span_id] = Step(span.parent_span_id, names)
    rows = []
    for trace_id, of_trace in by_trace.items():
        steps = sorted(of_trace.items())
        parts = (steps[start : start + MAX_STEPS] for start in range(0, len(steps), MAX_STEPS))
        rows += [_make_link(trace_id, dict(part)) for part in parts]
    return rows


def make_foreign_links(parents: Mapping[str, str], calls: Iterable[Call]) -> list[Row]:
    """Parents of spans whose trace was not told, a row for each trace of the request's calls."""
    traces = sorted({call.trace_id for call in calls if call.span_id}) if parents else []
    steps = {span_id: Step(parent, NO_NAMES) for span_id, parent in sorted(parents.items())}
    return [_make_link(trace_id, steps) for trace_id in traces]


def make_step_links(steps: Mapping[SpanKey, Step]) -> list[Row]:
    """Spans that are no calls and were told in another way, each in a row of its trace."""
    return [_make_link(trace_id, {span_id: step}) for (trace_id, span_id), step in sorted(steps.items())]


def make_marks(calls: Iterable[Call]) -> list[Row]:
    """Rows that say of sessions that their calls are told one by one, for sums that come later."""
    return [_make_link(trace, {trace: Step(trace, NO_NAMES)}) for trace in mark_sessions(calls)]


def _make_link(trace_id: str, steps: Mapping[str, Step]) -> Row:
    parts = (part for span_id, (parent, names) in steps.items() for part in (span_id, parent, *names))
    return {
        "trace": name_trace(trace_id),
        "id": str(identity("links", *parts)),
        "spans": list(steps),
        "parents": [parent for parent, _ in steps.values()],
        "labels": {span_id: names for span_id, (_, names) in steps.items() if names != NO_NAMES},
    }


def name_statement(import_id: str, call: Call) -> UUID:
    """The identity of a source's statement: what is sent again has the same one."""
    return identity("statement", import_id, repr(call))
