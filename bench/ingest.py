"""Spans a second that the API saves on an account-day of 100,000 records, alone and beside a bill.

Half of the spans are calls. The baseline saves as many records in equal batches, without an API or what finds
out that a call was told before. Bodies are made before.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.measurement import Measurement, Options
from tally.api_keys.keys import NewKey, create_key
from tally.core.records import CostRecord, to_columns
from tally.ledger.billing_account import name_account
from tally.local.stack import Stack
from tally.storage.postgres import PostgresDatabase
from tests.embedded import free_port_block, temporary_stack
from tests.tally.people import sign_up

RECORDS, SPANS, BATCH, CLIENTS = 100_000, 20_000, 500, 4
SAVED_AT_ONCE = 5_000
MOST_AGAINST_BARE = 30.0  # decoding, prices, traces, and what was told before
START_SECONDS = 60
PROTOBUF = {"content-type": "application/x-protobuf"}
_numbers = count(1)


def make_body(spans: int, at: datetime) -> bytes:
    """A request of traces with two spans each: a step of an agent, and the call of a model in it."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    start = int(at.timestamp() * 10**9)
    for number in (next(_numbers) for _ in range(spans // 2)):
        step, call = (number * 2).to_bytes(8), (number * 2 + 1).to_bytes(8)
        shared = {
            "trace_id": number.to_bytes(16),
            "start_time_unix_nano": start + number,
            "end_time_unix_nano": start + number + 10**9,
        }
        _tell(scope.spans.add(span_id=step, name="step", kind=1, **shared), {"gen_ai.agent.name": "buyer"})
        _tell(
            scope.spans.add(span_id=call, parent_span_id=step, name="chat gpt-5", kind=3, **shared),
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.response.model": "gpt-5",
                "gen_ai.response.id": f"chatcmpl-{number}",
                "gen_ai.usage.input_tokens": 1_000 + number % 900,
                "gen_ai.usage.output_tokens": 100,
                "gen_ai.usage.cache_read.input_tokens": 500,
                "gen_ai.conversation.id": f"session-{number % 50}",
            },
        )
    body: bytes = request.SerializeToString()
    return body


def _tell(span: Any, attributes: dict[str, str | int]) -> None:
    for key, value in attributes.items():
        found = span.attributes.add(key=key).value
        if isinstance(value, int):
            found.int_value = value
        else:
            found.string_value = value


def make_records(number: int, at: datetime, **others: Any) -> list[CostRecord]:
    """Records of one account-day."""
    usual: dict[str, Any] = {"cost_basis": "estimated", "billing_account": name_account("openai")}
    return [
        CostRecord(
            "openai",
            at,
            "gpt-5",
            Decimal("0.003"),
            uuid4(),
            input_tokens=1_000,
            request_count=1,
            **usual | others,
        )
        for _ in range(number)
    ]


class Workload:
    """An account with a full day, the API, and a client."""

    def __init__(self, stack: Stack, port: int, records: int) -> None:
        user = sign_up(stack).user_id
        self.url = f"http://127.0.0.1:{port}/v1/traces"
        self.connection = psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True)
        self.database = PostgresDatabase(self.connection, user)
        self.key = create_key(self.database, NewKey("bench", requests_per_minute=100_000)).text
        self.at = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.user = UUID(user)
        for first in range(0, records, SAVED_AT_ONCE):
            self.save(make_records(min(SAVED_AT_ONCE, records - first), self.at))

    def add_bill(self) -> None:
        """A bill of the same account and day."""
        self.save(make_records(1, self.at, cost_basis="billed", dataset="bill", day=self.at.date()))

    def save(self, records: Sequence[CostRecord]) -> None:
        """Save without the API."""
        self.database.call("save_cost_records", import_id=None, records=to_columns(records))

    def send(self, bodies: Sequence[bytes]) -> float:
        """Seconds in which clients send bodies, several at once."""
        with (
            httpx.Client(headers=PROTOBUF | {"authorization": f"Bearer {self.key}"}, timeout=60) as client,
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            client.post(self.url, content=make_body(2, self.at)).raise_for_status()
            began = time.perf_counter()
            for answer in pool.map(lambda body: client.post(self.url, content=body), bodies):
                assert (answer.status_code, answer.content) == (200, b""), answer.text
            return time.perf_counter() - began

    def save_bare(self, spans: int) -> float:
        """Seconds for the records of the calls in as many spans, in as many batches."""
        batches = [make_records(BATCH // 2, self.at, collection_method="otlp") for _ in range(spans // BATCH)]
        began = time.perf_counter()
        for batch in batches:
            self.save(batch)
        return time.perf_counter() - began


def measure(options: Options) -> Iterator[Measurement]:
    """Send from several clients at once, each request when the one before it was answered."""
    spans = max(BATCH, options.scaled(SPANS) // BATCH * BATCH)
    with temporary_stack(on_disk=True) as stack, running_api(stack) as port:
        workload = Workload(stack, port, options.scaled(RECORDS))
        yield _measure(workload, spans, "on a day of 100,000 records")
        workload.add_bill()
        yield _measure(workload, spans, "beside a bill of that day")


def _measure(workload: Workload, spans: int, where: str) -> Measurement:
    bodies = [make_body(BATCH, workload.at) for _ in range(spans // BATCH)]
    bare, taken = workload.save_bare(spans), workload.send(bodies)
    return Measurement(
        f"spans through the API {where}", spans / taken, "/s", spans / bare, taken / bare, MOST_AGAINST_BARE
    )


@contextmanager
def running_api(stack: Stack) -> Iterator[int]:
    """The API as a process of its own."""
    port = free_port_block()
    environment = {**os.environ, "API_DATABASE_URL": stack.settings()["API_DATABASE_URL"]}
    process = subprocess.Popen([sys.executable, "-m", "api", "--port", str(port)], env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2).status_code == 404
    except httpx.HTTPError:
        return False
