"""Spans a second that the API saves on an account-day of 100,000 records, alone and beside a bill.

Half of the spans are calls. The baseline saves as many records in equal batches, without an API or what finds
out that a call was told before. Bodies are made before.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from bench.measurement import Measurement, Options
from tally.api_keys.keys import NewKey, create_key
from tally.core.records import CostRecord, to_columns
from tally.ledger.billing_account import name_account
from tally.local.stack import Stack
from tally.storage.postgres import PostgresDatabase
from tests.api.process import ApiProcess
from tests.embedded import temporary_stack
from tests.scratch import temporary_folder
from tests.tally.people import sign_up
from tests.tally.telemetry.otlp import Object, as_protobuf, span, traces

RECORDS, SPANS, BATCH, CLIENTS = 100_000, 20_000, 500, 4
SAVED_AT_ONCE = 5_000
MOST_AGAINST_BARE = 30.0  # decoding, prices, traces, and what was told before
PROTOBUF = {"content-type": "application/x-protobuf"}
_numbers = count(1)


def make_body(spans: int, at: datetime) -> bytes:
    """A request of traces with two spans each."""
    return as_protobuf(traces(*(each for _ in range(spans // 2) for each in _make_step(next(_numbers), at))))


def _make_step(number: int, at: datetime) -> tuple[Object, Object]:
    """A step of an agent, and the call of a model in it."""
    start = int(at.timestamp() * 10**9) + number
    step, call = f"{number * 2:016x}", f"{number * 2 + 1:016x}"
    shared = {
        "traceId": f"{number:032x}",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 10**9),
    }
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.input_tokens": 1_000 + number % 900,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 500,
        "gen_ai.conversation.id": f"session-{number % 50}",
    }
    return (
        span(step, name="step", kind=1, attributes={"gen_ai.agent.name": "buyer"}, **shared),
        span(call, parentSpanId=step, name="chat gpt-5", attributes=usage, **shared),
    )


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

    def __init__(self, stack: Stack, api_url: str, records: int) -> None:
        user = sign_up(stack).user_id
        self.url = f"{api_url}/v1/traces"
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
    with (
        temporary_stack(on_disk=True) as stack,
        temporary_folder() as folder,
        ApiProcess(folder, API_DATABASE_URL=stack.settings()["API_DATABASE_URL"]) as api,
    ):
        workload = Workload(stack, api.url, options.scaled(RECORDS))
        yield _measure(workload, spans, "on a day of 100,000 records")
        workload.add_bill()
        yield _measure(workload, spans, "beside a bill of that day")


def _measure(workload: Workload, spans: int, where: str) -> Measurement:
    bodies = [make_body(BATCH, workload.at) for _ in range(spans // BATCH)]
    bare, taken = workload.save_bare(spans), workload.send(bodies)
    return Measurement(
        f"spans through the API {where}", spans / taken, "/s", spans / bare, taken / bare, MOST_AGAINST_BARE
    )
