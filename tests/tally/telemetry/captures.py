"""Requests of real clients, as they came on the wire."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tally.core.records import CostRecord
from tally.importers import Options, find_importer, read_table
from tally.telemetry.calls import Call
from tally.telemetry.counting import Choice, choose_calls, parents_of
from tally.telemetry.decoding import decode_logs, decode_metrics, decode_traces
from tally.telemetry.enclosing import Names, names_of_steps
from tally.telemetry.records import make_record
from tally.telemetry.signals import Decoded, LogRecord, Span
from tally.telemetry.vocabularies import read_calls
from tally.telemetry.vocabularies.langfuse_batch import read_batch
from tally.telemetry.vocabularies.litellm_payload import read_payloads
from tally.telemetry.vocabularies.told import gather
from tests.tally.telemetry.otlp import as_json, from_protobuf

FOLDER = Path(__file__).parents[2] / "fixtures" / "telemetry"
ITEMS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
# What two descriptions of a call have in common, whoever told it.
FACTS = (
    *("provider", "model", "input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"),
    *("cost_usd", "status"),
)
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


class Request(NamedTuple):
    """One request of a client."""

    path: str
    is_json: bool
    body: bytes

    @property
    def signal(self) -> str:
        """The last part of its path: traces, logs, metrics."""
        return self.path.rpartition("/")[2]

    def decode(self) -> Decoded:
        """The items of a request of OTLP."""
        decode = {"traces": decode_traces, "logs": decode_logs, "metrics": decode_metrics}[self.signal]
        return decode(self.body, self.is_json)


def load(name: str) -> list[Request]:
    """The requests of a capture."""
    folder = FOLDER / name
    return [
        Request(of["path"], "json" in of["type"], gzip.decompress((folder / f"{stem}.gz").read_bytes()))
        for stem, of in json.loads((folder / "requests.json").read_text()).items()
    ]


def expected(name: str) -> dict[str, Any]:
    """The calls of a capture, as they are worked out by hand."""
    found: dict[str, Any] = json.loads((FOLDER / name / "expected.json").read_text())
    return found


class Told(NamedTuple):
    """Statements about calls, and the parents of spans."""

    calls: list[Call]
    parents: dict[str, str]
    names: dict[str, Names]


def read(requests: Iterable[Request]) -> Told:
    """All statements in requests; none may be refused."""
    told = Told([], {}, {})
    for request in requests:
        if request.signal == "ingestion":
            batch = read_batch(request.body)
            assert batch.refused == []
            told.calls.extend(batch.calls)
            told.parents.update(batch.parents)
        elif request.signal == "_generic":
            payloads = read_payloads(request.body)
            assert payloads.rejected == []
            told.calls.extend(payloads.calls)
        else:
            decoded = request.decode()
            assert decoded.rejected == []
            found = read_calls(decoded)
            assert found.rejected == []
            told.calls.extend(found.calls)
            told.parents.update(parents_of(decoded.spans))
            told.names.update(names_of_steps(decoded.spans))
    return told


def in_file(requests: Iterable[Request]) -> list[CostRecord]:
    """The records of a file with the requests."""
    sent = [one for one in requests if one.signal in ITEMS]
    bodies = [one.body if one.is_json else from_protobuf(one.body, one.signal) for one in sent]
    lines = b"\n".join(json.dumps(json.loads(body)).encode() for body in bodies)
    parsed = find_importer("otlp").parse(read_table(lines, "sent.jsonl"), Options())
    assert parsed.rejected == []
    return parsed.records


def choose(requests: Iterable[Request]) -> Choice:
    """The calls of requests that count."""
    return choose_calls(*read(requests))


def describe(call: Call) -> dict[str, Any]:
    """A call as `expected.json` has it."""
    record = make_record(call)
    cost = record.cost_usd
    return {
        "provider": record.provider,
        "model": record.model_name,
        "input": record.input_tokens,
        "output": record.output_tokens,
        "cache_read": record.cached_input_tokens,
        "cache_write": record.cache_write_tokens,
        "cache_write_1h": call.cache_write_1h_tokens,
        "reasoning": record.reasoning_tokens,
        "cost_usd": None if cost is None else format(cost.normalize(), "f"),
        "status": call.status,
    }


def sum_input(request: Request) -> int:
    """All input tokens that a request tells, whoever repeats them."""
    decoded = request.decode()
    items: list[Span | LogRecord] = [*decoded.spans, *decoded.logs]
    told = [gather(item.attributes) for item in items]
    return sum(_read_input(fields) for fields in told)


def _read_input(fields: dict[str, Any]) -> int:
    entered = int(fields.get("input tokens") or fields.get("agent input") or 0)
    cached = sum(
        int(fields.get(field) or 0)
        for field in ("cache reads", "cache writes", "agent cache reads", "agent cache writes")
    )
    return entered if entered >= cached else entered + cached


def split(request: Request, dice: random.Random) -> list[Request]:
    """A request as several, each with some of its items."""
    if request.signal not in ITEMS:
        return [request]
    of_programs, of_scopes, items = ITEMS[request.signal]
    body = request.body if request.is_json else from_protobuf(request.body, request.signal)
    parts: dict[int, list[Any]] = defaultdict(list)
    for of_program in json.loads(body)[of_programs]:
        for of_scope in of_program[of_scopes]:
            for item in of_scope.get(items, []):
                part = of_program | {of_scopes: [of_scope | {items: [item]}]}
                parts[dice.randrange(3)].append(part)
    return [
        request._replace(is_json=True, body=as_json({of_programs: dice.sample(part, len(part))}))
        for part in parts.values()
    ]
