"""Time to save 100,000 records through the API: new, again, and from another file; compared with COPY."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
from supabase import create_client

from bench.measurement import REPEATS, Measurement, interleaved
from tally.core.records import CostRecord
from tally.importers import Parsed
from tally.importers.save import ImportFile, save_import, undo_import
from tally.storage.postgrest import SupabaseDatabase
from tests.embedded import temporary_stack

ROWS = 100_000
MODELS = (
    ("openai", "gpt-5.2"),
    ("anthropic", "claude-opus-4-5"),
    ("openai", "gpt-5.2-mini"),
    ("google", "gemini-3-pro"),
)
COLUMNS = (
    "id, user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens, "
    "cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, "
    "cost_basis, charge_type, source_key, import_id, metadata, created_at, updated_at"
)


def make_records(rows: int) -> list[CostRecord]:
    """Make three months of records of a busy account."""
    rng = random.Random(1)
    start = datetime(2026, 8, 1, tzinfo=UTC)
    return [
        CostRecord(
            MODELS[n % 4][0],
            start + timedelta(seconds=77 * n),
            MODELS[n % 4][1],
            Decimal(rng.randint(1, 10**8)) / 10**8,
            uuid.UUID(int=rng.getrandbits(128)),
            input_tokens=rng.randint(100, 9_000),
            output_tokens=rng.randint(10, 900),
            request_count=1,
        )
        for n in range(rows)
    ]


def copy_text(records: list[CostRecord]) -> bytes:
    """The same rows in COPY's text format, with every column."""
    now, some_id = datetime.now(UTC).isoformat(), str(uuid.uuid4())
    return "".join("\t".join(_copy_row(record, some_id, now)) + "\n" for record in records).encode()


def _copy_row(record: CostRecord, some_id: str, now: str) -> list[str]:
    tokens = (record.tokens_used, record.input_tokens, record.output_tokens, 0, 0, 0)
    kinds = (record.collection_method, record.cost_basis, record.charge_type)
    values = (record.model_name, record.cost_usd, *tokens, 1, *kinds, record.source_key)
    ids = [str(uuid.uuid4()), some_id, some_id]
    return [*ids, record.timestamp.isoformat(), *map(str, values), some_id, "{}", now, now]


class Workload:
    """The same records, saved in each way on one stack."""

    def __init__(self, settings: dict[str, str]) -> None:
        records = make_records(ROWS)
        self.parsed = Parsed(records=records, lines=[(n,) for n in range(ROWS)])
        self.text = copy_text(records)
        client = create_client(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
        client.auth.sign_up({"email": "bench@example.com", "password": "correct horse 1"})
        self.database = SupabaseDatabase(client)
        self.connection = psycopg.connect(settings["DATABASE_URL"], autocommit=True)
        self.connection.execute("create table private.heap as select * from public.cost_records limit 0")
        self.import_ids: list[str] = []

    def copy(self) -> None:
        with self.connection.cursor().copy(f"copy private.heap ({COLUMNS}) from stdin") as target:
            target.write(self.text)

    def save(self, data: bytes, expected: tuple[int, int]) -> None:
        """Import the records as if from the file `data`; `expected` counts the added and the known ones."""
        result = save_import(self.database, self.parsed, ImportFile("bench.csv", "generic", data))
        assert (result.added, result.already_there) == expected
        self.import_ids.append(result.import_id)

    def clear(self) -> None:
        while self.import_ids:
            undo_import(self.database, self.import_ids.pop())
        for table in ("public.cost_records", "private.stale_days"):
            self.connection.execute(f"vacuum {table}")
        self.connection.execute("truncate private.heap")


def measure() -> list[Measurement]:
    """Save through PostgREST under row-level security."""
    with temporary_stack(on_disk=True) as stack:
        workload = Workload(stack.settings())
        actions = {
            "copy": workload.copy,
            "first": lambda: workload.save(b"bench", expected=(ROWS, 0)),
            "again": lambda: workload.save(b"bench", expected=(0, ROWS)),
            "other": lambda: workload.save(b"another file with the same rows", expected=(0, ROWS)),
            "clear": workload.clear,
        }
        interleaved(actions, 1)  # warm up
        taken = interleaved(actions, REPEATS)
        workload.connection.close()
    copy, first, again, other = (taken[name] for name in ("copy", "first", "again", "other"))
    return [
        Measurement(
            "save 100k records through the API, against COPY to a heap", first, "s", copy, first / copy, 4.5
        ),
        Measurement(
            "save the same 100k again, speed-up over the first time",
            again,
            "s",
            first,
            first / again,
            1.9,
            at_least=True,
        ),
        Measurement(
            "save the same 100k from another file, against the first time",
            other,
            "s",
            first,
            other / first,
            4.0,
        ),
    ]
